/** JSON Schemas that several routes share, by the name they have in the OpenAPI document. */
const nullable = (type: string, more: object = {}) => ({ type: [type, 'null'], ...more })
const TIME = { type: 'string', format: 'date-time' }
const NO_TIME = nullable('string', { format: 'date-time' })
const LABEL = nullable('string', { description: 'what its sender calls it in a header that is not signed' })
const BODY = {
  body: nullable('string', { description: 'null: not recorded, or not shown' }),
  body_encoding: { enum: ['utf8', 'base64'] },
}
const HEADER_LIST = { type: 'array', items: { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 } }
const HEADER_OBJECT = { type: 'object', additionalProperties: { type: ['string', 'array'], items: { type: 'string' } } }

export const STATES = ['pending', 'running', 'completed', 'failed', 'dead']

const object = (properties: Record<string, object>, optional: string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter(name => !optional.includes(name)),
})

const SUMMARY = {
  source: { type: 'string' },
  key: { type: 'string' },
  label: LABEL,
  state: { enum: STATES },
  attempts: { type: 'integer' },
  losses: { type: 'integer', description: 'attempts that ended without a word' },
  created_at: TIME,
  claimed_at: { ...NO_TIME, description: 'when its last attempt began' },
  settled_at: NO_TIME,
  expires_at: { ...NO_TIME, description: 'null: not before it is settled' },
  last_error: nullable('string'),
  lease_remaining_ms: { type: 'number' },
  inbox: object({ due_at: NO_TIME, group: nullable('string'), round: { type: 'integer' } }),
}

const DELIVERY = object({
  at: TIME,
  source: { type: 'string' },
  outcome: { type: 'string' },
  status: { type: 'integer' },
  ms: { type: 'number' },
})

const COUNTS = { type: 'object', additionalProperties: { type: 'integer' } }

const INBOX = object({ pending: { type: 'integer' }, dead: nullable('integer'), oldest_due_at: NO_TIME })

const SHOWN = { status: { type: 'integer' }, headers: HEADER_LIST, ...BODY, body_omitted: { type: 'boolean' } }

export const SCHEMAS = {
  Problem: {
    ...object({
      type: { type: 'string', description: 'leads to a page that says what it means and what to do' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      code: { type: 'string', description: 'stable' },
    }),
    description: 'RFC 9457',
  },
  RecordSummary: object(SUMMARY, ['inbox']),
  Record: object(
    {
      ...SUMMARY,
      fingerprint: nullable('string'),
      fencing_token: { type: 'string' },
      response: object(SHOWN),
      delivery: object({ method: { type: 'string' }, url: { type: 'string' }, headers: HEADER_LIST, ...BODY }),
    },
    ['inbox', 'response', 'delivery'],
  ),
  IdempotencyRecord: {
    ...object({
      key: { type: 'string' },
      label: LABEL,
      source: { type: 'string' },
      state: { enum: STATES },
      attempts: { type: 'integer' },
      losses: { type: 'integer' },
      status_code: nullable('integer'),
      headers: { ...HEADER_OBJECT, type: ['object', 'null'] },
      ...BODY,
      body_omitted: { type: 'boolean' },
      cached_at: NO_TIME,
      expires_at: NO_TIME,
      lease_ends_at: NO_TIME,
      last_error: nullable('string'),
      fencing_token: { type: 'string' },
      created_at: TIME,
    }),
    description: 'Of a record of an inbox also when its next attempt is due, its round, and the delivery.',
  },
  Cleared: object({ status: { const: 'cleared' }, key: { type: 'string' } }),
  Redriven: object({ status: { const: 'redriven' }, key: { type: 'string' } }),
  Source: object(
    {
      name: { type: 'string' },
      mode: { enum: ['inline', 'inbox'] },
      sender: object({ name: { type: 'string' }, title: { type: 'string' } }),
      handle: { enum: ['acknowledge', 'forward', 'function'] },
      forward_to: { type: 'string', description: 'the origin alone' },
      retention_ms: { type: 'number' },
      lock_ttl_ms: { type: 'number' },
      lease_ms: { type: 'number' },
      wait_ms: { type: 'number' },
      deadline_ms: { type: 'number', description: 'how long its sender waits' },
      records_bodies: { type: 'boolean' },
      recent: { type: 'array', items: DELIVERY, description: 'the last 20 in this process, newest first' },
      problems: { type: 'array', items: DELIVERY, description: 'the last 20 that did not go well' },
      inbox: INBOX,
    },
    ['sender', 'forward_to', 'deadline_ms', 'inbox'],
  ),
  Overview: object({
    at: TIME,
    since: TIME,
    totals: { type: 'object', description: 'by source and outcome', additionalProperties: COUNTS },
    window: object({
      seconds: { type: 'integer' },
      rate: { type: 'number', description: 'deliveries a second' },
      hit_rate: nullable('number', { description: 'replayed and joined ones among those that were processed' }),
      by_outcome: COUNTS,
      p50_ms: nullable('number'),
      p95_ms: nullable('number'),
      p99_ms: nullable('number'),
    }),
    in_flight: { type: 'integer' },
    waiters: { type: 'integer' },
    conflicts: { type: 'integer', description: 'answered 409 or 422 since the start' },
    lost_leases: { type: 'integer' },
    store: object(
      {
        name: { type: 'string' },
        state: { enum: ['ok', 'failing'], description: 'as it answered last' },
        records: { type: 'integer' },
        bytes: { type: 'integer' },
        errors: { type: 'integer' },
      },
      ['records', 'bytes'],
    ),
    inbox: { type: 'object', description: 'by source', additionalProperties: INBOX },
    event_loop_lag_ms: { type: 'number', description: 'the longest in the last second' },
  }),
  Session: object({ access: { enum: ['token', 'local', 'open', 'closed'] }, logged_in: { type: 'boolean' } }),
  TestAnswer: object({ ...SHOWN, ms: { type: 'number' } }),
}

export type SchemaName = keyof typeof SCHEMAS

export const ref = (name: SchemaName) => ({ $ref: `${name}#` })
