import { DAY_MS } from './primitives/durations.js'
import { headerKey } from './primitives/event-key.js'
import { onlyHeader } from './primitives/reading.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const GITHUB: SenderKind = {
  facts: {
    name: 'github',
    title: 'GitHub',
    secret: 'Settings → Webhooks → the webhook → Secret: the text that was typed in there',
    signature: '`X-Hub-Signature-256: sha256=…`: HMAC-SHA256 over the body, hex',
    key: 'the header `X-GitHub-Delivery`, which is not signed',
    deadlineMs: 10_000,
    retryHorizonMs: 3 * DAY_MS,
    retries: 'none by itself; by hand (Recent Deliveries → Redeliver, or the API) for about 3 days',
    success: 'any 2xx',
    pitfalls: [
      'A redelivery bears the GUID of the first delivery: it runs if that failed, and is answered from the record if it succeeded.',
      'The GUID is not signed. A captured delivery under a GUID of somebody’s own is answered as the first one was; it does not run.',
      'Two webhooks of one repository that point here send the same content: it runs once. Give each a source of its own if both are to run.',
    ],
    pages: [
      'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
      'https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks',
    ],
  },
  create: ({ secrets }) => github({ secrets }),
  example: ({ id, now }) => ({
    contentType: 'application/json',
    body: JSON.stringify({
      zen: 'Keep it logically awesome.',
      hook_id: 1,
      repository: { id: 1, full_name: 'octo/hello', pushed_at: now, note: id },
    }),
  }),
}

export interface GithubOptions {
  secrets: readonly string[]
}

/**
 * @example
 * receiver.source({ name: 'github', sender: github({ secrets: [process.env.GITHUB_SECRET!] }) })
 */
export function github({ secrets }: GithubOptions): Sender {
  return defineSender({
    facts: GITHUB.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex', prefix: 'sha256=' })),
    read(delivery) {
      const signature = onlyHeader(delivery, 'x-hub-signature-256')
      return signature === undefined ? null : { signatures: [signature], contents: [[delivery.body]] }
    },
    key: headerKey('x-github-delivery'),
    boundContent: delivery => [delivery.body],
    write: ({ body, id }, sign) => [
      ['x-github-delivery', id],
      ['x-hub-signature-256', sign([body])],
    ],
  })
}
