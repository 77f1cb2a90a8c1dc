import type { ResolvedSource } from '../../config/resolve.js'
import { json, problems } from './answers.js'

const EXAMPLE = { event: 'test.event', data: { test: 'data' } }

/** A handshake differs from sender to sender. */
export const HANDSHAKE = {
  tags: ['deliveries'],
  summary: 'The handshake of a sender that verifies the endpoint',
  response: {
    200: { description: 'accepted' },
    403: { description: 'the verify token is wrong' },
    ...problems(
      'bad_request',
      'method_not_allowed',
      'rate_limited',
      'headers_too_large',
      'internal_error',
      'shutting_down',
      'overloaded',
    ),
  },
}

const KEY_HEADER = {
  type: 'string',
  pattern: '^[\\x21-\\x7e]{1,255}$',
  examples: ['test-key-123'],
  description: "the sender's name for the operation; Idempotency-Key and webhook-id are read too",
}

/**
 * The schema of a delivery route. It is documentation: the receiver reads and checks deliveries, not the framework.
 *
 * @param keyed whether keys are read
 */
export function deliverySchema(name: string, { handle, options, inbox }: ResolvedSource, keyed = true) {
  const { sender } = options
  const anyAnswer = inbox === undefined && !(typeof handle === 'object' && handle.kind === 'acknowledge')
  return {
    tags: ['deliveries'],
    summary: keyed ? `Deliver to the source ${name}` : `Deliver to the source ${name}, processed every time`,
    description: sender ? `From ${sender.facts.title}: signed by ${sender.facts.signature}` : aboutKeys(keyed),
    ...(keyed && !sender && { headers: { type: 'object', properties: { 'x-idempotency-key': KEY_HEADER } } }),
    body: { content: { 'application/json': { schema: { examples: [EXAMPLE] } } } },
    response: {
      ...json('processed; a duplicate gets the recorded answer of the first delivery (X-Cached: true)', {}),
      ...(inbox && json('accepted, to be processed later', {}, inbox.acceptedStatus ?? 202)),
      ...problems(
        'bad_request',
        'body_invalid',
        'key_invalid',
        'key_missing',
        'method_not_allowed',
        'request_timeout',
        'in_progress',
        'body_too_large',
        'key_reused',
        'rate_limited',
        'headers_too_large',
        'handler_failed',
        'attempts_exhausted',
        'internal_error',
        'attempt_failed',
        'store_unavailable',
        'shutting_down',
        'overloaded',
        'attempt_lost',
        'attempt_timeout',
        ...(sender ? (['signature_invalid'] as const) : []),
        ...(typeof handle === 'object' && handle.kind === 'forward'
          ? (['upstream_unreachable', 'upstream_timeout', 'loop_detected'] as const)
          : []),
      ),
      ...(anyAnswer && { default: { description: 'the answer of the handler; recorded if it is 2xx' } }),
    },
  }
}

function aboutKeys(keyed: boolean): string {
  return keyed
    ? 'Any body. With a key it is processed once, and every duplicate gets the recorded answer. Without one it is processed every time.'
    : 'Any body. Keys are ignored.'
}
