import { isUtf8 } from 'node:buffer'
import { type HeaderList, NEVER, type ReceiverRecord, type RecordSummary } from 'hookonce'

/** A record in full, as an operator sees it. */
export function describe(record: ReceiverRecord) {
  const { response, delivery } = record
  const utf8 = response === null || isUtf8(response.body)
  return {
    key: record.key,
    source: record.scope,
    state: record.state,
    attempts: record.attempts,
    losses: record.losses,
    status_code: response?.status ?? null,
    headers: response === null ? null : headerObject(response.headers),
    body: response === null ? null : Buffer.from(response.body).toString(utf8 ? 'utf8' : 'base64'),
    body_encoding: utf8 ? 'utf8' : 'base64',
    body_omitted: response?.bodyOmitted ?? false,
    cached_at: record.state === 'completed' ? isoTime(record.settledAt) : null,
    expires_at: isoTime(record.expiresAt),
    lease_ends_at: record.state === 'running' ? isoTime(record.leaseEndsAt) : null,
    last_error: record.lastError,
    fencing_token: record.fencingToken,
    created_at: isoTime(record.createdAt),
    ...acceptedFields(record),
    ...(delivery !== undefined && {
      delivery: {
        method: delivery.method,
        url: delivery.url,
        headers: headerObject(delivery.headers),
        ...bodyFields(delivery.body),
      },
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

function bodyFields(body: Uint8Array) {
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
