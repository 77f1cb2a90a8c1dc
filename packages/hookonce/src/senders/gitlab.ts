import type { Delivery } from '../http/delivery.js'
import { aNumber, oneOf } from '../util/options.js'
import { onlyHeader } from './primitives/delivery-values.js'
import { headerKey, joinedKey } from './primitives/event-key.js'
import { headerType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { signedMessages } from './primitives/signed-messages.js'
import { digestOf, tokenKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const GITLAB: SenderKind = {
  facts: {
    name: 'gitlab',
    title: 'GitLab',
    secret:
      'Settings → Webhooks → the webhook → signing token: `whsec_…`, base64 after the prefix; or, older, the secret token: the text that was typed in there',
    signature:
      'with a signing token `webhook-signature: v1,…`: HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`, base64; with a secret token `X-Gitlab-Token`, the secret itself: nothing is signed',
    key: 'the header `webhook-id`, which a signing token signs; with a secret token `Idempotency-Key`, of older versions `X-Gitlab-Event-UUID` and `X-Gitlab-Webhook-UUID` with a digest of the body: who sends those has the token',
    redelivery:
      'it keeps the id (of older versions the UUIDs and the body; not verified), and is answered from the record',
    deadlineMs: 10_000,
    retryHorizonMs: null,
    retries: 'not published; by hand from the list of recent events',
    success: 'any 2xx; after 4 failures in a row a webhook is switched off',
    pitfalls: [
      'A secret token travels with every delivery: whoever reads one can write others, under any key. Prefer a signing token.',
      'A 4xx answer can switch a webhook off for good, a 5xx one does so for a time.',
    ],
    pages: ['https://docs.gitlab.com/user/project/integrations/webhooks/'],
  },
  create: ({ secrets }) =>
    gitlab({ secrets, scheme: secrets.some(secret => secret.startsWith('whsec_')) ? 'signing-token' : 'secret-token' }),
  examples({ id, now }) {
    const project = { id: 1, path_with_namespace: 'octo/hello' }
    const at = new Date(now).toISOString()
    const event = (type: string, header: string, body: object) =>
      jsonExample(type, { object_kind: type, ...body, project }, [['x-gitlab-event', header]])
    return [
      event('push', 'Push Hook', {
        event_name: 'push',
        ref: 'refs/heads/main',
        before: '0'.repeat(40),
        after: '1'.repeat(40),
        commits: [{ id: '1'.repeat(40), message: id, timestamp: at }],
      }),
      event('merge_request', 'Merge Request Hook', {
        event_type: 'merge_request',
        object_attributes: { id: 2, iid: 2, action: 'open', title: id, created_at: at },
      }),
      event('issue', 'Issue Hook', {
        event_type: 'issue',
        object_attributes: { id: 1, iid: 1, action: 'open', title: id, created_at: at },
      }),
      event('pipeline', 'Pipeline Hook', {
        object_attributes: { id: 31, iid: 3, name: id, ref: 'main', status: 'success', created_at: at },
      }),
    ]
  },
}

export interface GitlabOptions {
  secrets: readonly string[]
  /**
   * What the secrets are: `signing-token` (`whsec_…`, signs each delivery; the default) or `secret-token` (sent along).
   */
  scheme?: 'signing-token' | 'secret-token'
  /** How old a signing token's timestamp may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * @example
 * receiver.source({ name: 'gitlab', sender: gitlab({ secrets: [process.env.GITLAB_SIGNING_TOKEN!] }) })
 */
export function gitlab(options: GitlabOptions): Sender {
  checkSender(GITLAB.facts, options, 'secrets', {
    scheme: oneOf('signing-token', 'secret-token'),
    toleranceMs: aNumber,
  })
  const { secrets, scheme = 'signing-token', toleranceMs } = options
  const { facts } = GITLAB
  const type = headerType('x-gitlab-event')
  // A webhook may have both; it then sends the secret token with the signature.
  const secretHeaders = ['x-gitlab-token']
  if (scheme === 'signing-token') {
    return { ...signedMessages({ facts, secrets, toleranceMs, headers: ['webhook'], secretHeaders }), type }
  }
  return defineSender({
    facts,
    type,
    keys: secrets.map(secret => tokenKey(secret)),
    secretHeaders,
    provenByHeaders: true,
    read(delivery) {
      const token = onlyHeader(delivery, 'x-gitlab-token')
      return token === undefined ? null : { signatures: [token], contents: [[]] }
    },
    key: delivery => headerKey('idempotency-key')(delivery) ?? uuids(delivery),
    write: ({ id }, sign) => [
      ['idempotency-key', id],
      ['x-gitlab-token', sign([])],
    ],
  })
}

/** A webhook that triggers others shares its event's UUID with them: the body distinguishes them. */
function uuids(delivery: Delivery): string | null {
  const event = headerKey('x-gitlab-event-uuid')(delivery)
  if (event === null) return null
  return joinedKey([event, headerKey('x-gitlab-webhook-uuid')(delivery) ?? '', digestOf([delivery.body])])
}
