import type { AttemptEnd } from '../engine/attempt-end.js'
import type { HandlerResponse } from '../http/response.js'

/** A target that answers is there, whatever it answers: an error may be the delivery's own. */
export function targetAfter(end: AttemptEnd<HandlerResponse>): 'there' | 'absent' | 'unknown' {
  switch (end.end) {
    case 'recorded':
      return 'there'
    case 'given_back':
      return end.value.unreachable ? 'absent' : 'there'
    case 'threw':
      return isUnreachable(end.error) ? 'absent' : 'unknown'
    default:
      return 'unknown'
  }
}

/** No connection was had. */
const UNREACHABLE = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** `fetch` has the system's error as the cause of its own. */
function isUnreachable(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  return UNREACHABLE.has(String(code ?? cause?.code))
}
