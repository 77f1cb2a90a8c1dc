import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Sender, SenderOptions } from 'hookonce/senders'
import { hmac } from 'hookonce/senders/hmac'
import { hubspot } from 'hookonce/senders/hubspot'

/** What tests must know of a sender besides its `SenderKind`: how to come by its secrets, and what is special with it. */
export interface Recipe {
  /** A new secret, which signs too. */
  secret(): string
  /** What a receiver is given of it, where that is not all of it. */
  publicHalf?(secret: string): string
  /** Where the time of sending stands. Without one a signature never gets old. */
  timestamp?: 'header' | 'body'
  /** What stands between the signatures of a header that may have several. */
  list?: string
  /** It says who sends, and nothing of what is sent. */
  signsNothing?: true
  /** The standards' key headers are its own: the key, or a label. */
  readsGenericKeys?: true
  /** Default: as the sender's kind does. */
  create?(options: SenderOptions): Sender
}

const text = () => randomBytes(32).toString('hex')
const standardSecret = () => `whsec_${randomBytes(32).toString('base64')}`

/** Seed and public key, 32 bytes each. */
function ed25519Pair(): Buffer {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from(d!, 'base64url'), Buffer.from(x!, 'base64url')])
}

/** The private key, then the public one, in DER and base64. */
function p256Pair(): [string, string] {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return [
    privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  ]
}
const p256Pairs = new Map<string, string>()

const discord: Recipe = {
  secret: () => ed25519Pair().toString('hex'),
  publicHalf: secret => secret.slice(64),
  timestamp: 'header',
}

/** By the sender's name. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  basic: { secret: () => `partner:${text()}`, signsNothing: true, readsGenericKeys: true },
  bearer: { secret: text, signsNothing: true, readsGenericKeys: true },
  clerk: { secret: standardSecret, timestamp: 'header', list: ' ' },
  discord,
  'discord-events': discord,
  github: { secret: text },
  gitlab: { secret: standardSecret, timestamp: 'header', list: ' ' },
  hmac: { secret: text, readsGenericKeys: true },
  hubspot: { secret: text, timestamp: 'header' },
  linear: { secret: text, timestamp: 'body' },
  meta: { secret: text },
  paddle: { secret: text, timestamp: 'header', list: ';' },
  pagerduty: { secret: text, list: ',' },
  sendgrid: {
    secret() {
      const [privateKey, publicKey] = p256Pair()
      p256Pairs.set(privateKey, publicKey)
      return privateKey
    },
    publicHalf: secret => p256Pairs.get(secret)!,
    timestamp: 'header',
  },
  shopify: { secret: text },
  slack: { secret: text, timestamp: 'header' },
  square: { secret: text },
  'standard-webhooks': { secret: standardSecret, timestamp: 'header', list: ' ' },
  stripe: { secret: () => `whsec_${text()}`, timestamp: 'header', list: ',' },
  svix: { secret: standardSecret, timestamp: 'header', list: ' ' },
  twilio: { secret: text },
  twitch: { secret: text, timestamp: 'header' },
  vercel: { secret: text },
  zoom: { secret: text, timestamp: 'header' },
}

/** The same sender set up in another way, which its kind does not make of its name alone. */
export const VARIANTS: Readonly<Record<string, Recipe & { of: string }>> = {
  'gitlab, secret token': { of: 'gitlab', secret: text, signsNothing: true },
  'standard-webhooks, Ed25519': {
    of: 'standard-webhooks',
    secret: () => `whsk_${ed25519Pair().toString('base64')}`,
    publicHalf: secret => `whpk_${Buffer.from(secret.slice(5), 'base64').subarray(32).toString('base64')}`,
    timestamp: 'header',
    list: ' ',
  },
  'hubspot, v1': {
    of: 'hubspot',
    secret: text,
    create: ({ secrets, publicUrl }) => hubspot({ secrets, url: publicUrl!, version: 'v1' }),
  },
  'hubspot, v2': {
    of: 'hubspot',
    secret: text,
    create: ({ secrets, publicUrl }) => hubspot({ secrets, url: publicUrl!, version: 'v2' }),
  },
  'hmac, all signed': {
    of: 'hmac',
    secret: text,
    timestamp: 'header',
    create: ({ secrets }) =>
      hmac({
        secrets,
        header: 'X-Shop-Signature',
        algorithm: 'sha512',
        encoding: 'base64',
        prefix: 'v1 ',
        timestamp: { header: 'X-Shop-Time', unit: 'ms' },
        signed: '{id}.{timestamp}.{body}',
        key: { header: 'X-Shop-Event' },
      }),
  },
  'hmac, key in the body': {
    of: 'hmac',
    secret: text,
    timestamp: 'header',
    create: ({ secrets }) => hmac({ secrets, timestamp: { header: 'x-time' }, key: { field: 'id' } }),
  },
}
