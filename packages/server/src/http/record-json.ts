import { isUtf8 } from 'node:buffer'
import {
  type Delivery,
  type HeaderList,
  NEVER,
  type ReceiverRecord,
  type RecordedAttempt,
  type RecordSummary,
} from 'hookonce'
import { ALL_SHOWN, type Shown, shownHeaders } from '../config/redaction.js'
import { INTEGER, NUMBER, nullable, OPTIONAL_TIME, object, TEXT, TIME } from './openapi/json-schema.js'

export const STATES = ['pending', 'running', 'completed', 'failed', 'dead']

export const HEADER_LIST = { type: 'array', items: { type: 'array', items: TEXT, minItems: 2, maxItems: 2 } }
const HEADER_OBJECT = { type: 'object', additionalProperties: { type: ['string', 'array'], items: TEXT } }
export const BODY = {
  body: nullable('string', { description: 'null: not recorded, or not shown' }),
  body_encoding: { enum: ['utf8', 'base64'] },
}
const RESPONSE = { status: INTEGER, headers: HEADER_LIST, ...BODY, body_omitted: { type: 'boolean' } }
export const DELIVERY = { method: TEXT, url: TEXT, headers: HEADER_LIST, ...BODY }

const ATTEMPT = object({
  number: INTEGER,
  process: { ...TEXT, description: 'names the process that ran it' },
  began_at: TIME,
  took_ms: nullable('integer', { description: 'null: it runs' }),
  outcome: {
    anyOf: [{ enum: ['running', 'recorded', 'threw', 'timeout', 'lost', 'not_begun', 'failed'] }, INTEGER],
    description: 'a number: the status that was answered and not recorded',
  },
  fencing_token: TEXT,
})

/** What processes counted of a record's duplicates. Times are ms since the epoch. */
export interface DuplicateCount {
  count: number
  /** `null`: there was none. */
  first: number | null
  last: number | null
  /** Whether there may have been more. */
  isAtLeast: boolean
}

/** The last answer of a handler that was no success. */
export interface FailedAnswer {
  /** When it was given, in ms since the epoch by the store's clock. */
  at: number
  /** The number of its attempt. */
  attempt: number
  status: number
  /** Of the whole body, as far as it was read. */
  bytes: number
  /** Its beginning. */
  body: Uint8Array
}

/** What is known of a record beside what its store's record says. */
export interface RecordNotes {
  duplicates: DuplicateCount
  failedAnswer: FailedAnswer | undefined
}

const FAILED_ANSWER = object({
  attempt: INTEGER,
  at: TIME,
  status: INTEGER,
  ...BODY,
  bytes: { ...INTEGER, description: 'of the body; 2,048 of them are kept' },
})

const DUPLICATES = object({
  count: INTEGER,
  first_at: OPTIONAL_TIME,
  last_at: OPTIONAL_TIME,
  at_least: { type: 'boolean', description: 'there may have been more than could be counted' },
})

/** A summary in a list has neither history nor response nor delivery nor duplicates. */
type AnyRecord = RecordSummary &
  Partial<ReceiverRecord> & { eventType?: string | null } & {
    [Note in keyof RecordNotes]?: RecordNotes[Note] | undefined
  }

interface Field<T> {
  schema: object
  value(record: AnyRecord, shown: Shown): T
  /** Absent where the value is `undefined`. */
  optional: boolean
}

const field = <T>(schema: object, value: Field<T>['value']): Field<T> => ({ schema, value, optional: false })
const optional = <T>(schema: object, value: Field<T>['value']): Field<T> => ({ schema, value, optional: true })

/** Every field of a record in JSON, in both operator APIs. */
const FIELDS = {
  source: field(TEXT, ({ scope }) => scope),
  key: field(TEXT, ({ key }) => key),
  label: field(nullable('string', { description: "the sender's name for it, in an unsigned header" }), r => r.label),
  event_type: optional(
    nullable('string', { description: 'absent: the list was not read from the index of events' }),
    ({ eventType }) => eventType,
  ),
  state: field({ enum: STATES }, ({ state }) => state),
  attempts: field(INTEGER, ({ attempts }) => attempts),
  losses: field({ ...INTEGER, description: 'attempts whose lease ran out' }, ({ losses }) => losses),
  created_at: field(TIME, ({ createdAt }) => isoTime(createdAt)),
  accepted_at: field(TIME, ({ createdAt }) => isoTime(createdAt)),
  claimed_at: field({ ...OPTIONAL_TIME, description: 'when its last attempt began' }, ({ attempts, claimedAt }) =>
    attempts === 0 ? null : isoTime(claimedAt),
  ),
  settled_at: field(OPTIONAL_TIME, ({ settledAt }) => isoTime(settledAt)),
  cached_at: field(OPTIONAL_TIME, ({ state, settledAt }) => (state === 'completed' ? isoTime(settledAt) : null)),
  expires_at: field({ ...OPTIONAL_TIME, description: 'null: not before it is settled' }, r => isoTime(r.expiresAt)),
  lease_ends_at: field(OPTIONAL_TIME, ({ state, leaseEndsAt }) => (state === 'running' ? isoTime(leaseEndsAt) : null)),
  lease_remaining_ms: field(NUMBER, ({ leaseRemainingMs }) => leaseRemainingMs),
  last_error: field(nullable('string'), ({ lastError }) => lastError),
  fingerprint: field(nullable('string'), ({ fingerprint }) => fingerprint),
  fencing_token: field(TEXT, ({ fencingToken }) => fencingToken),
  history: field(
    { type: 'array', items: ATTEMPT, description: 'its last attempts, ten at most, oldest first' },
    ({ history = [] }) => history.map(attemptJson),
  ),
  failed_answer: optional(
    FAILED_ANSWER,
    ({ failedAnswer }, shown) => failedAnswer && failedAnswerJson(failedAnswer, shown),
  ),
  duplicates: optional(DUPLICATES, ({ duplicates }) => duplicates && duplicatesJson(duplicates)),

  inbox: optional(
    object({ due_at: OPTIONAL_TIME, group: nullable('string'), round: INTEGER }),
    ({ accepted }) => accepted && { due_at: isoTime(accepted.dueAt), group: accepted.group, round: accepted.round },
  ),
  next_attempt_at: optional(OPTIONAL_TIME, ({ accepted }) => accepted && isoTime(accepted.dueAt)),
  round: optional(INTEGER, ({ accepted }) => accepted?.round),
  attempts_in_round: optional(INTEGER, ({ accepted, attempts }) => accepted && attempts - accepted.earlierAttempts),
  group: optional(nullable('string'), ({ accepted }) => accepted?.group),

  response: optional(object(RESPONSE), ({ response }, shown) => (response ? responseJson(response, shown) : undefined)),
  delivery: optional(object(DELIVERY), ({ delivery }, shown) => delivery && deliveryJson(delivery, shown)),

  status_code: field(nullable('integer'), ({ response }) => response?.status ?? null),
  headers: field({ ...HEADER_OBJECT, type: ['object', 'null'] }, ({ response }, shown) =>
    response ? headerObject(shownHeaders(response.headers, shown)) : null,
  ),
  body: field(BODY.body, ({ response }, shown) => bodyText(response?.body, shown)),
  body_encoding: field(BODY.body_encoding, ({ response }, shown) => bodyEncoding(response?.body, shown)),
  body_omitted: field({ type: 'boolean' }, ({ response }) => response?.bodyOmitted ?? false),
}

type FieldName = keyof typeof FIELDS
type Fields = Record<FieldName, Field<unknown>>

/** A selection of the fields: its schema, and the JSON of a record. */
function shape<Names extends FieldName>(names: readonly Names[], own: Partial<Fields> = {}) {
  const fields: Fields = { ...FIELDS, ...own }
  const schemas = Object.fromEntries(names.map(name => [name, fields[name].schema]))
  return {
    schema: object(
      schemas,
      names.filter(name => fields[name].optional),
    ),
    json: (record: AnyRecord, shown = ALL_SHOWN) =>
      Object.fromEntries(names.map(name => [name, fields[name].value(record, shown)])) as {
        [Name in Names]: ReturnType<(typeof FIELDS)[Name]['value']>
      },
  }
}

const COMMON = ['source', 'key', 'label', 'state', 'attempts'] as const
const TIMES = ['created_at', 'claimed_at', 'settled_at', 'expires_at'] as const
const SUMMARY = [...COMMON, 'losses', ...TIMES, 'last_error', 'lease_remaining_ms', 'inbox'] as const
const INBOX = ['next_attempt_at', 'round', 'attempts_in_round', 'group'] as const
const RESULT = ['status_code', 'headers', 'body', 'body_encoding', 'body_omitted', 'cached_at'] as const
const LEASE = ['expires_at', 'lease_ends_at', 'last_error', 'fencing_token', 'created_at'] as const

/** One record of `GET /api/records`. */
export const recordSummary = shape([...SUMMARY, 'event_type'])

/** `GET /api/record`: headers as lists, in their order. */
export const fullRecord = shape([
  ...SUMMARY,
  'fingerprint',
  'fencing_token',
  'history',
  'duplicates',
  'failed_answer',
  'response',
  'delivery',
])

/** What became of the event of an experiment. */
export const labRecord = shape(['state', 'attempts', 'losses', 'lease_remaining_ms', 'last_error', 'history'])

/** One event of `GET /webhook/events`. */
export const eventSummary = shape([...COMMON, 'accepted_at', 'settled_at', 'expires_at', 'last_error', ...INBOX])

const deliveryWithHeaderObject = optional(
  object({ ...DELIVERY, headers: HEADER_OBJECT }),
  ({ delivery }, shown) =>
    delivery && { ...deliveryJson(delivery, shown), headers: headerObject(shownHeaders(delivery.headers, shown)) },
)

/** `GET /webhook/idempotency/{key}`, and an event in full. */
export const idempotencyRecord = shape(
  [...COMMON, 'losses', ...RESULT, ...LEASE, ...INBOX, 'history', 'duplicates', 'failed_answer', 'delivery'],
  { delivery: deliveryWithHeaderObject },
)

/** The answer to one delivery. */
export const TEST_ANSWER = object({ ...RESPONSE, ms: NUMBER })

interface Response {
  status: number
  headers: HeaderList
  body: Uint8Array
  bodyOmitted: boolean
}

export function responseJson({ status, headers, body, bodyOmitted }: Response, shown: Shown = ALL_SHOWN) {
  return { status, headers: shownHeaders(headers, shown), ...bodyJson(body, shown), body_omitted: bodyOmitted }
}

const duplicatesJson = ({ count, first, last, isAtLeast }: DuplicateCount) => ({
  ...{ count, first_at: isoTime(first), last_at: isoTime(last), at_least: isAtLeast },
})

const failedAnswerJson = ({ attempt, at, status, body, bytes }: FailedAnswer, shown: Shown) => ({
  ...{ attempt, at: isoTime(at), status, ...bodyJson(body, shown), bytes },
})

const attemptJson = ({ number, process, beganAt, tookMs, outcome, fencingToken }: RecordedAttempt) => ({
  ...{ number, process, began_at: isoTime(beganAt), took_ms: tookMs, outcome },
  fencing_token: fencingToken,
})

export function deliveryJson({ method, url, headers, body }: Delivery, shown: Shown) {
  return { method, url, headers: shownHeaders(headers, shown), ...bodyJson(body, shown) }
}

export const bodyJson = (body: Uint8Array, shown: Shown) => ({
  body: bodyText(body, shown),
  body_encoding: bodyEncoding(body, shown),
})

function bodyText(body: Uint8Array | undefined, shown: Shown): string | null {
  return body === undefined || !shown.bodies ? null : Buffer.from(body).toString(bodyEncoding(body, shown))
}

function bodyEncoding(body: Uint8Array | undefined, { bodies }: Shown): 'utf8' | 'base64' {
  return body === undefined || !bodies || isUtf8(body) ? 'utf8' : 'base64'
}

export function isoTime(ms: number | null): string | null {
  return ms === null || ms === NEVER ? null : new Date(ms).toISOString()
}

/** A header that occurs more than once has a list of values. */
function headerObject(headers: HeaderList): Record<string, string | string[]> {
  const byName = new Map<string, string[]>()
  for (const [name, value] of headers) byName.set(name, [...(byName.get(name) ?? []), value])
  return Object.fromEntries([...byName].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]))
}
