import { eventSummary, fullRecord, idempotencyRecord, recordSummary, TEST_ANSWER } from '../record-json.js'
import { INTEGER, NUMBER, nullable, OPTIONAL_TIME, object, TEXT, TIME } from './json-schema.js'

const DELIVERY = object({
  at: TIME,
  source: TEXT,
  key: nullable('string', { description: 'null: it has none, or was refused before it was read' }),
  request_id: nullable('string'),
  outcome: TEXT,
  status: INTEGER,
  ms: NUMBER,
})

const COUNTS = { type: 'object', additionalProperties: INTEGER }

const ATTEMPT = object({
  at: TIME,
  key: nullable('string'),
  attempt: INTEGER,
  end: { enum: ['recorded', 'given_back', 'threw', 'lost', 'fenced', 'unreachable'] },
  ms: NUMBER,
})

const INBOX = object({
  pending: nullable('integer'),
  dead: nullable('integer'),
  oldest_due_at: OPTIONAL_TIME,
  as_of: { ...OPTIONAL_TIME, description: 'when these were read; null: they are not known' },
})

/** The JSON Schemas under `components` of the OpenAPI document, by name. */
export const SCHEMAS = {
  Problem: {
    ...object({
      type: { ...TEXT, description: 'the path of a page that explains the problem' },
      title: TEXT,
      status: INTEGER,
      detail: TEXT,
      code: { ...TEXT, description: 'stable' },
    }),
    description: 'RFC 9457',
  },
  RecordSummary: recordSummary.schema,
  Record: fullRecord.schema,
  Event: eventSummary.schema,
  IdempotencyRecord: idempotencyRecord.schema,
  Cleared: object({ status: { const: 'cleared' }, key: TEXT }),
  Redriven: object({
    status: { enum: ['redriven', 'due'], description: 'due: in the round that it was in' },
    key: TEXT,
  }),
  Source: object(
    {
      name: TEXT,
      mode: { enum: ['inline', 'inbox'] },
      sender: object({ name: TEXT, title: TEXT }),
      handle: { enum: ['acknowledge', 'forward', 'function'] },
      forward_to: { ...TEXT, description: 'the origin alone' },
      retention_ms: NUMBER,
      lock_ttl_ms: NUMBER,
      lease_ms: NUMBER,
      wait_ms: NUMBER,
      deadline_ms: { ...NUMBER, description: 'how long its sender waits for the answer' },
      records_bodies: { type: 'boolean' },
      recent: { type: 'array', items: DELIVERY, description: 'the last 20 in this process, newest first' },
      problems: { type: 'array', items: DELIVERY, description: 'the last 20 failures' },
      attempts: { type: 'array', items: ATTEMPT, description: 'the last 20 that ended in this process, newest first' },
      inbox: INBOX,
    },
    ['sender', 'forward_to', 'deadline_ms', 'inbox'],
  ),
  Overview: object({
    at: TIME,
    since: TIME,
    totals: { type: 'object', description: 'by source and outcome', additionalProperties: COUNTS },
    window: object({
      seconds: INTEGER,
      rate: { ...NUMBER, description: 'deliveries a second' },
      hit_rate: nullable('number', { description: 'the share of replayed and joined ones among the processed' }),
      by_outcome: COUNTS,
      attempts: { ...COUNTS, description: 'those that ended, by their end' },
      p50_ms: nullable('number'),
      p95_ms: nullable('number'),
      p99_ms: nullable('number'),
    }),
    in_flight: INTEGER,
    waiters: INTEGER,
    lost_leases: { ...INTEGER, description: 'since the start' },
    takeovers: { ...INTEGER, description: 'of attempts that ended without a word, since the start' },
    store: object(
      {
        name: TEXT,
        state: { enum: ['ok', 'failing'], description: 'the result of the last operation' },
        records: INTEGER,
        bytes: INTEGER,
        as_of: { ...OPTIONAL_TIME, description: 'when records and bytes were read; null: they are not known' },
        errors: INTEGER,
      },
      ['records', 'bytes'],
    ),
    inbox: { type: 'object', description: 'by source', additionalProperties: INBOX },
    event_loop_lag_ms: { ...NUMBER, description: 'the maximum since the last overview' },
  }),
  Session: object({ access: { enum: ['token', 'local', 'open', 'closed'] }, logged_in: { type: 'boolean' } }),
  TestAnswer: TEST_ANSWER,
}

export type SchemaName = keyof typeof SCHEMAS

export const ref = (name: SchemaName) => ({ $ref: `${name}#` })
