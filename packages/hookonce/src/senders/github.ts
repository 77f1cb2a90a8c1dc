import { onlyHeader } from './primitives/delivery-values.js'
import { DAY_MS } from './primitives/durations.js'
import { bodyKey, headerLabel } from './primitives/event-key.js'
import { headerType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const GITHUB: SenderKind = {
  facts: {
    name: 'github',
    title: 'GitHub',
    secret: 'Settings → Webhooks → the webhook → Secret: the text that was typed in there',
    signature: '`X-Hub-Signature-256: sha256=…`: HMAC-SHA256 over the body, hex',
    key: 'a digest of the body, which is signed; the header `X-GitHub-Delivery` is not, and is a label',
    redelivery:
      'it bears the GUID of the first and, as far as is known, its body byte for byte (not verified): it runs if the first failed, and is answered from the record if that succeeded',
    deadlineMs: 10_000,
    retryHorizonMs: 3 * DAY_MS,
    retries: 'none by itself; by hand (Recent Deliveries → Redeliver, or the API) for about 3 days',
    success: 'any 2xx',
    pitfalls: [
      'Two webhooks, or a webhook and a GitHub App, deliver one event under one GUID. What each sends runs once: where the bodies differ (`installation`) both run. Where they are the same it runs once; give each a source of its own if both are to run.',
      'Events with the same bytes are one, for as long as results are kept: two pings, or two runs of `repository_dispatch` or `workflow_dispatch` with the same inputs and nothing pushed in between. Put something that differs in `client_payload` or the inputs.',
      'The kind of an event (`X-GitHub-Event`) is not signed. What is told by it should also be seen in the body.',
    ],
    pages: [
      'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
      'https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks',
    ],
  },
  create: ({ secrets }) => github({ secrets }),
  examples({ id, now }) {
    const repository = { id: 1, full_name: 'octo/hello', pushed_at: Math.floor(now / 1000) }
    const sender = { login: 'octocat', type: 'User' }
    const event = (type: string, body: object) =>
      jsonExample(type, { ...body, repository, sender }, [['x-github-event', type]])
    return [
      event('push', {
        ref: 'refs/heads/main',
        before: '0'.repeat(40),
        after: '1'.repeat(40),
        commits: [{ id: '1'.repeat(40), message: id, timestamp: new Date(now).toISOString() }],
      }),
      event('pull_request', {
        action: 'opened',
        number: 2,
        pull_request: { id: 2, number: 2, state: 'open', title: id, head: { ref: 'change' }, base: { ref: 'main' } },
      }),
      event('issues', { action: 'opened', issue: { id: 3, number: 3, state: 'open', title: id } }),
      event('ping', { zen: `Keep it logically awesome. ${id}`, hook_id: 1 }),
    ]
  },
}

export interface GithubOptions {
  secrets: readonly string[]
}

/**
 * @example
 * receiver.source({ name: 'github', sender: github({ secrets: [process.env.GITHUB_SECRET!] }) })
 */
export function github(options: GithubOptions): Sender {
  checkSender(GITHUB.facts, options, 'secrets')
  const { secrets } = options
  return defineSender({
    facts: GITHUB.facts,
    type: headerType('x-github-event'),
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex', prefix: 'sha256=' })),
    read(delivery) {
      const signature = onlyHeader(delivery, 'x-hub-signature-256')
      return signature === undefined ? null : { signatures: [signature], contents: [[delivery.body]] }
    },
    key: bodyKey(),
    label: headerLabel('x-github-delivery'),
    write: ({ body, id }, sign) => [
      ['x-github-delivery', id],
      ['x-hub-signature-256', sign([body])],
    ],
  })
}
