import { onlyHeader } from './primitives/delivery-values.js'
import { DAY_MS } from './primitives/durations.js'
import { fieldKey } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { hmacKey } from './primitives/signing-keys.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const VERCEL: SenderKind = {
  facts: {
    name: 'vercel',
    title: 'Vercel',
    secret: 'of an account webhook: shown once, when it is made; of an integration: its client secret',
    signature: '`X-Vercel-Signature`: HMAC-SHA1 over the body, hex',
    key: 'the field `id` of the body, which is signed',
    redelivery: 'it keeps `id` (not verified), and is answered from the record',
    deadlineMs: 30_000,
    retryHorizonMs: DAY_MS,
    retries: 'for up to 24 hours',
    success: 'any 2xx',
    pitfalls: [
      'Nothing is timestamped in the signature: a captured delivery is a duplicate here for as long as results are kept.',
    ],
    pages: ['https://vercel.com/docs/webhooks/webhooks-api'],
  },
  create: ({ secrets }) => vercel({ secrets }),
  examples: ({ id, now }) =>
    ['created', 'succeeded', 'error'].map(what =>
      jsonExample(`deployment.${what}`, {
        id,
        type: `deployment.${what}`,
        createdAt: now,
        region: null,
        payload: { deployment: { id: 'dpl_1', name: 'hello', url: 'hello.vercel.app' } },
      }),
    ),
}

export interface VercelOptions {
  secrets: readonly string[]
}

/**
 * @example
 * receiver.source({ name: 'vercel', sender: vercel({ secrets: [process.env.VERCEL_SECRET!] }) })
 */
export function vercel(options: VercelOptions): Sender {
  checkSender(VERCEL.facts, options, 'secrets')
  const { secrets } = options
  return defineSender({
    facts: VERCEL.facts,
    keys: secrets.map(secret => hmacKey(secret, { algorithm: 'sha1', encoding: 'hex' })),
    read(delivery) {
      const signature = onlyHeader(delivery, SIGNATURE)
      return signature === undefined ? null : { signatures: [signature], contents: [[delivery.body]] }
    },
    key: fieldKey('id'),
    write: ({ body }, sign) => [[SIGNATURE, sign([body])]],
  })
}

const SIGNATURE = 'x-vercel-signature'
