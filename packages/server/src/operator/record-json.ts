import { isUtf8 } from 'node:buffer'
import { type Delivery, type HeaderList, NEVER, type ReceiverRecord, type RecordSummary } from 'hookonce'
import { ALL_SHOWN, type Shown, shownHeaders } from '../config/redaction.js'

/** A record in full, as `GET /webhook/idempotency/{key}` has it. */
export function describe(record: ReceiverRecord, shown: Shown = ALL_SHOWN) {
  const { response, delivery } = record
  return {
    key: record.key,
    label: record.label,
    source: record.scope,
    state: record.state,
    attempts: record.attempts,
    losses: record.losses,
    status_code: response?.status ?? null,
    headers: response === null ? null : headerObject(shownHeaders(response.headers, shown)),
    ...bodyFields(response?.body ?? null, shown),
    body_omitted: response?.bodyOmitted ?? false,
    cached_at: record.state === 'completed' ? isoTime(record.settledAt) : null,
    expires_at: isoTime(record.expiresAt),
    lease_ends_at: record.state === 'running' ? isoTime(record.leaseEndsAt) : null,
    last_error: record.lastError,
    fencing_token: record.fencingToken,
    created_at: isoTime(record.createdAt),
    ...acceptedFields(record),
    ...(delivery !== undefined && {
      delivery: { ...deliveryFields(delivery, shown), headers: headerObject(shownHeaders(delivery.headers, shown)) },
    }),
  }
}

/** Of a record of an inbox: what is still to come of it. */
function acceptedFields({ accepted, attempts }: RecordSummary) {
  if (accepted === undefined) return {}
  return {
    next_attempt_at: isoTime(accepted.dueAt),
    round: accepted.round,
    attempts_in_round: attempts - accepted.earlierAttempts,
    group: accepted.group,
  }
}

/** One line of the event log. */
export function describeEvent(record: RecordSummary) {
  return {
    key: record.key,
    label: record.label,
    source: record.scope,
    state: record.state,
    attempts: record.attempts,
    accepted_at: isoTime(record.createdAt),
    settled_at: isoTime(record.settledAt),
    expires_at: isoTime(record.expiresAt),
    last_error: record.lastError,
    ...acceptedFields(record),
  }
}

/** One record of a list. */
export function summarize(record: RecordSummary) {
  const { accepted } = record
  return {
    source: record.scope,
    key: record.key,
    label: record.label,
    state: record.state,
    attempts: record.attempts,
    losses: record.losses,
    created_at: isoTime(record.createdAt),
    claimed_at: record.attempts === 0 ? null : isoTime(record.claimedAt),
    settled_at: isoTime(record.settledAt),
    expires_at: isoTime(record.expiresAt),
    last_error: record.lastError,
    lease_remaining_ms: record.leaseRemainingMs,
    ...(accepted !== undefined && {
      inbox: { due_at: isoTime(accepted.dueAt), group: accepted.group, round: accepted.round },
    }),
  }
}

/** A record in full, with headers in the order in which they were. */
export function detail(record: ReceiverRecord, shown: Shown = ALL_SHOWN) {
  const { response, delivery } = record
  return {
    ...summarize(record),
    fingerprint: record.fingerprint,
    fencing_token: record.fencingToken,
    ...(response !== null && { response: describeResponse(response, shown) }),
    ...(delivery !== undefined && { delivery: deliveryFields(delivery, shown) }),
  }
}

interface Response {
  status: number
  headers: HeaderList
  body: Uint8Array
  bodyOmitted: boolean
}

export function describeResponse({ status, headers, body, bodyOmitted }: Response, shown: Shown = ALL_SHOWN) {
  return { status, headers: shownHeaders(headers, shown), ...bodyFields(body, shown), body_omitted: bodyOmitted }
}

function deliveryFields({ method, url, headers, body }: Delivery, shown: Shown) {
  return { method, url, headers: shownHeaders(headers, shown), ...bodyFields(body, shown) }
}

function bodyFields(body: Uint8Array | null, { bodies }: Shown) {
  if (body === null || !bodies) return { body: null, body_encoding: 'utf8' }
  const utf8 = isUtf8(body)
  return { body: Buffer.from(body).toString(utf8 ? 'utf8' : 'base64'), body_encoding: utf8 ? 'utf8' : 'base64' }
}

function isoTime(ms: number | null): string | null {
  return ms === null || ms === NEVER ? null : new Date(ms).toISOString()
}

/** A header that stands more than once has a list of values. */
function headerObject(headers: HeaderList): Record<string, string | string[]> {
  const byName = new Map<string, string[]>()
  for (const [name, value] of headers) byName.set(name, [...(byName.get(name) ?? []), value])
  return Object.fromEntries([...byName].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]))
}
