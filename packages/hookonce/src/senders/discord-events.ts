import { aNumber } from '../util/options.js'
import { jsonOf } from './primitives/delivery-values.js'
import { discordSignature } from './primitives/discord-signature.js'
import { MINUTE_MS } from './primitives/durations.js'
import { bodyKey } from './primitives/event-key.js'
import { fieldType } from './primitives/event-type.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const DISCORD_EVENTS: SenderKind = {
  facts: {
    name: 'discord-events',
    title: 'Discord webhook events',
    secret: 'Developer Portal → the application → General Information → Public Key: 64 hex digits, nothing secret',
    signature: '`X-Signature-Ed25519` and `X-Signature-Timestamp`: Ed25519 over timestamp and body, hex',
    key: 'the body, which is signed: nothing in it names the event',
    redelivery: 'it keeps the body, as far as is known (not verified), and is answered from the record',
    deadlineMs: 3_000,
    retryHorizonMs: 10 * MINUTE_MS,
    retries: 'after growing pauses, for up to 10 minutes',
    success: '204 without a body',
    pitfalls: [
      'Whether a retry has a new timestamp is not published, so that one is taken for 15 minutes, longer than Discord retries.',
      'Its PING is answered here; the handler does not see it.',
      'It sends wrong signatures on purpose and takes the endpoint away unless they are answered 401: here they are.',
      'Every success of the handler is answered 204, which is the one that Discord takes for success; its body stays here.',
    ],
    pages: ['https://discord.com/developers/docs/events/webhook-events'],
  },
  create: ({ secrets }) => discordEvents({ publicKeys: secrets }),
  examples: ({ id, now }) => [
    jsonExample('APPLICATION_AUTHORIZED', {
      version: 1,
      application_id: '1',
      type: 1,
      event: { type: 'APPLICATION_AUTHORIZED', timestamp: new Date(now).toISOString(), data: { user: { id } } },
    }),
  ],
}

export interface DiscordEventsOptions {
  /** The application's public keys, in hex. A key with its private half (128 digits) can also sign, for tests. */
  publicKeys: readonly string[]
  /** How old a signature may be, and how far ahead. Default 15 minutes: retries may bear the first one. */
  toleranceMs?: number
}

/**
 * Webhook events: what happens to an application.
 *
 * @example
 * receiver.source({ name: 'discord-events', sender: discordEvents({ publicKeys: [process.env.DISCORD_PUBLIC_KEY!] }) })
 *
 * @throws {ConfigurationError} a public key is malformed
 */
export function discordEvents(options: DiscordEventsOptions): Sender {
  checkSender(DISCORD_EVENTS.facts, options, 'publicKeys', { toleranceMs: aNumber })
  const { publicKeys, toleranceMs = 15 * MINUTE_MS } = options
  return defineSender({
    ...discordSignature(publicKeys),
    facts: DISCORD_EVENTS.facts,
    type: fieldType('event.type'),
    toleranceMs,
    key: bodyKey(),
    handshake: delivery =>
      jsonOf(delivery)?.type === PING ? { status: 204, headers: [], body: new Uint8Array() } : null,
    success: [204],
  })
}

const PING = 0
