import type { DeliveryOutcome } from '../diagnostics.js'
import type { Outcome } from '../engine/outcome.js'
import type { Full } from '../engine/quota.js'
import { problem } from '../http/problem.js'
import { type Answer, type HandlerResponse, type RecordedResponse, replayable } from '../http/response.js'
import { decodeResponse } from '../http/response-codec.js'

const RETRY_SOON_MS = 1_000
const RETRY_LATER_MS = 5_000
const RETRY_MUCH_LATER_MS = 60_000

/** The answer to the sender for an outcome. */
export function answerTo(outcome: Outcome<HandlerResponse>, maxResponseBytes: number): Answer {
  switch (outcome.kind) {
    case 'executed':
      return answerOf(outcome.value, 'executed')
    case 'replayed':
      return replay(outcome)
    case 'given_back':
      return outcome.joined
        ? { ...marked(replayable(outcome.value, maxResponseBytes)), outcome: 'failed' }
        : answerOf(outcome.value, 'failed')
    case 'threw':
      return problem('handler_failed')
    case 'in_progress':
      return problem('in_progress', { retryAfterMs: RETRY_SOON_MS, outcome: 'in_progress' })
    case 'mismatch':
      return problem('key_reused', { detail: 'Send a new key with a new payload.', outcome: 'mismatch' })
    case 'attempts_exhausted':
      return problem('attempts_exhausted', {
        detail: `${outcome.losses} attempts ended without a word. Delete the record to try again.`,
      })
    case 'attempt_failed':
      return problem('attempt_failed', { retryAfterMs: RETRY_SOON_MS })
    case 'attempt_lost':
    case 'attempt_timeout':
      return problem(outcome.kind, { outcome: 'lost' })
    case 'store_unavailable':
      return problem('store_unavailable', { retryAfterMs: RETRY_LATER_MS, outcome: 'unavailable' })
  }
}

/** The answer to a new key while the source is full. */
export function noRoom({ limit, most }: Full): Answer {
  const kept = `${most} ${limit === 'maxRecords' ? 'records' : 'bytes'}`
  const detail = `The source keeps ${kept} or more, and its ${limit} allows no more.`
  return problem('source_full', { detail, retryAfterMs: RETRY_MUCH_LATER_MS, outcome: 'full' })
}

function answerOf({ status, headers, body, rest }: HandlerResponse, outcome: DeliveryOutcome): Answer {
  return rest === undefined ? { status, headers, body, outcome } : { status, headers, body, rest, outcome }
}

function replay({ result, completedAt, joined }: Outcome<unknown> & { kind: 'replayed' }): Answer {
  const { status, headers, body, bodyOmitted } = decodeResponse(result)
  const all = headers as [string, string][]
  if (bodyOmitted) all.push(OMITTED)
  all.push(['x-cached', 'true'], ['x-cached-at', new Date(completedAt).toISOString()], ['idempotent-replayed', 'true'])
  return { status, headers: all, body, outcome: joined ? 'joined' : 'replayed', recordedAt: completedAt }
}

const OMITTED: [string, string] = ['x-cached-body', 'omitted']

function marked({ status, headers, body, bodyOmitted }: RecordedResponse) {
  return { status, headers: bodyOmitted ? [...headers, OMITTED] : headers, body }
}
