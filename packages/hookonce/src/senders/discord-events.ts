import type { DiscordOptions } from './discord.js'
import { discordSignature } from './primitives/discord-signature.js'
import { contentKey } from './primitives/event-key.js'
import { jsonOf } from './primitives/reading.js'
import { defineSender, type Sender, type SenderKind } from './sender.js'

export const DISCORD_EVENTS: SenderKind = {
  facts: {
    name: 'discord-events',
    title: 'Discord webhook events',
    secret: 'Developer Portal → the application → General Information → Public Key: 64 hex digits, nothing secret',
    signature: '`X-Signature-Ed25519` and `X-Signature-Timestamp`: Ed25519 over timestamp and body, hex',
    key: 'the body, which is signed: nothing in it names the event',
    deadlineMs: 3_000,
    retryHorizonMs: null,
    retries: 'after growing pauses, for up to 10 minutes',
    success: '204 without a body',
    pitfalls: [
      'Its PING is answered here; the handler does not see it.',
      'It sends wrong signatures on purpose and takes the endpoint away unless they are answered 401: here they are.',
      'Every success of the handler is answered 204, which is the one that Discord takes for success; its body stays here.',
    ],
    pages: ['https://discord.com/developers/docs/events/webhook-events'],
  },
  create: ({ secrets }) => discordEvents({ publicKeys: secrets }),
  example: ({ id, now }) => ({
    contentType: 'application/json',
    body: JSON.stringify({
      version: 1,
      application_id: '1',
      type: 1,
      event: { type: 'APPLICATION_AUTHORIZED', timestamp: new Date(now).toISOString(), data: { user: { id } } },
    }),
  }),
}

/**
 * Webhook events: what happens to an application.
 *
 * @example
 * receiver.source({ name: 'discord-events', sender: discordEvents({ publicKeys: [process.env.DISCORD_PUBLIC_KEY!] }) })
 *
 * @throws {ConfigurationError} not a key
 */
export function discordEvents({ publicKeys, toleranceMs }: DiscordOptions): Sender {
  return defineSender({
    ...discordSignature(publicKeys),
    facts: DISCORD_EVENTS.facts,
    toleranceMs,
    key: delivery => contentKey([delivery.body]),
    handshake: delivery =>
      jsonOf(delivery)?.type === PING ? { status: 204, headers: [], body: new Uint8Array() } : null,
    success: [204],
  })
}

const PING = 0
