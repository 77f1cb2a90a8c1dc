import { jsonResponse } from '../http/response.js'
import { aNumber } from '../util/options.js'
import { jsonOf } from './primitives/delivery-values.js'
import { discordSignature } from './primitives/discord-signature.js'
import { fieldKey } from './primitives/event-key.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const DISCORD: SenderKind = {
  facts: {
    name: 'discord',
    title: 'Discord interactions',
    secret: 'Developer Portal → the application → General Information → Public Key: 64 hex digits, nothing secret',
    signature: '`X-Signature-Ed25519` and `X-Signature-Timestamp`: Ed25519 over timestamp and body, hex',
    key: 'the field `id` of the body, which is signed',
    redelivery: 'there is none',
    deadlineMs: 3_000,
    retryHorizonMs: null,
    retries: 'none',
    success: '200, with the answer to the interaction in the body',
    pitfalls: [
      'Its PING is answered here; the handler does not see it.',
      'It sends wrong signatures on purpose and takes the endpoint away unless they are answered 401: here they are.',
      'Webhook events of the same application are sent otherwise: they are `discord-events`, at a URL of their own.',
    ],
    pages: ['https://discord.com/developers/docs/interactions/overview'],
  },
  create: ({ secrets }) => discord({ publicKeys: secrets }),
  examples: ({ id }) => [
    jsonExample('APPLICATION_COMMAND', {
      id,
      application_id: '1',
      type: 2,
      token: 'a token',
      version: 1,
      data: { id: '2', name: 'hello', type: 1 },
    }),
  ],
}

export interface DiscordOptions {
  /** The application's public keys, in hex. A key with its private half (128 digits) can also sign, for tests. */
  publicKeys: readonly string[]
  /** How old a signature may be, and how far ahead. Default 5 minutes. */
  toleranceMs?: number
}

/**
 * Interactions: commands, buttons, forms.
 *
 * @example
 * receiver.source({ name: 'discord', sender: discord({ publicKeys: [process.env.DISCORD_PUBLIC_KEY!] }) })
 *
 * @throws {ConfigurationError} a public key is malformed
 */
export function discord(options: DiscordOptions): Sender {
  checkSender(DISCORD.facts, options, 'publicKeys', { toleranceMs: aNumber })
  const { publicKeys, toleranceMs } = options
  return defineSender({
    ...discordSignature(publicKeys),
    facts: DISCORD.facts,
    toleranceMs,
    key: fieldKey('id'),
    handshake: delivery => (jsonOf(delivery)?.type === PING ? jsonResponse({ type: PONG }) : null),
    success: [200],
  })
}

const PING = 1
const PONG = 1
