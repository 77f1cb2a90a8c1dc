import type { DeliveryOutcome } from '../diagnostics.js'
import type { Answer } from './response.js'

/** The problems that a receiver answers with: code, HTTP status and title (RFC 9457 §3.1). Codes are stable. */
export const PROBLEMS = {
  key_missing: [400, 'An idempotency key is required here'],
  key_invalid: [400, 'The idempotency key is not valid'],
  body_invalid: [400, 'The body is not valid'],
  signature_invalid: [401, 'Signature verification failed'],
  not_found: [404, 'Nothing here'],
  method_not_allowed: [405, 'This method is not allowed here'],
  in_progress: [409, 'The first delivery with this idempotency key is still being processed'],
  body_too_large: [413, 'The body is too large'],
  key_reused: [422, 'This idempotency key was used for a different payload'],
  headers_too_large: [431, 'The request headers are too large'],
  handler_failed: [500, 'Processing failed'],
  attempts_exhausted: [500, 'Processing this delivery crashed too often'],
  upstream_unreachable: [502, 'The application behind this receiver cannot be reached'],
  attempt_failed: [503, 'Processing failed elsewhere and can be tried again'],
  store_unavailable: [503, 'The record of idempotency keys cannot be reached'],
  shutting_down: [503, 'This receiver is shutting down'],
  attempt_lost: [504, 'The attempt lost its hold on the idempotency key'],
  attempt_timeout: [504, 'Processing took too long'],
  upstream_timeout: [504, 'The application behind this receiver took too long'],
  source_full: [507, 'This source keeps as much as it may'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof PROBLEMS

export interface ProblemOptions {
  /** The cause and the remedy, for a person. Default: the title. */
  detail?: string
  /** Sent as `Retry-After`, rounded up to whole seconds, at least 1. */
  retryAfterMs?: number
  outcome?: DeliveryOutcome
}

/**
 * An `application/problem+json` answer (RFC 9457). Its `type` is `/problems/{code}`. Default outcome: `failed`.
 */
export function problem(code: ProblemCode, options: ProblemOptions = {}): Answer {
  const [status, title] = PROBLEMS[code]
  const headers: [string, string][] = [['content-type', 'application/problem+json']]
  if (options.retryAfterMs !== undefined) {
    headers.push(['retry-after', String(Math.max(1, Math.ceil(options.retryAfterMs / 1000)))])
  }
  const body = { type: `/problems/${code}`, title, status, detail: options.detail ?? `${title}.`, code }
  return { status, headers, body: Buffer.from(JSON.stringify(body)), outcome: options.outcome ?? 'failed' }
}
