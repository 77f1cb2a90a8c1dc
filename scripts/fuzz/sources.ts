import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { SENDERS, type Sender } from 'hookonce/senders'

/** One signed endpoint of the server that is fuzzed. */
export interface FuzzSource {
  /** Of the source and of its sender. */
  name: string
  mode: 'inline' | 'inbox'
  /** What the server is given; of a key pair the public half. */
  secret: string
  publicUrl: string
  /** Signs as the sender itself does. */
  sender: Sender
  /** The same with a secret that the server does not know. */
  stranger: Sender
  /** The headers that prove who sends. What else a sender writes is not signed. */
  credentials: readonly string[]
}

const digest = (text: string): Buffer => createHash('sha256').update(`fuzz ${text}`).digest()
const text = (name: string): string => digest(name).toString('hex')

/** Seed and public key of an Ed25519 pair, in hex. */
function keyPair(name: string): string {
  const seed = digest(name)
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const publicKey = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return seed.toString('hex') + publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
}

interface Rules {
  mode?: 'inbox'
  secret?: (name: string) => string
  /** What the server is given of the secret. Default: all of it. */
  half?: (secret: string) => string
  credentials: readonly string[]
}

const RULES: Record<string, Rules> = {
  stripe: { credentials: ['stripe-signature'], secret: name => `whsec_${text(name)}` },
  github: { credentials: ['x-hub-signature-256'] },
  shopify: { credentials: ['x-shopify-hmac-sha256'], mode: 'inbox' },
  slack: { credentials: ['x-slack-signature', 'x-slack-request-timestamp'] },
  twilio: { credentials: ['x-twilio-signature'] },
  'standard-webhooks': {
    credentials: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    mode: 'inbox',
    secret: name => `whsec_${digest(name).toString('base64')}`,
  },
  paddle: { credentials: ['paddle-signature'] },
  square: { credentials: ['x-square-hmacsha256-signature'], mode: 'inbox' },
  // A secret token: it says who sends, and nothing of what is sent.
  gitlab: { credentials: ['x-gitlab-token'] },
  'discord-events': {
    credentials: ['x-signature-ed25519', 'x-signature-timestamp'],
    secret: keyPair,
    half: pair => pair.slice(64),
  },
}

/** Ten senders, no two of which sign alike. */
export const SOURCES: readonly FuzzSource[] = Object.entries(RULES).map(([name, rules]) => {
  const { mode = 'inline', secret = text, half = whole => whole, credentials } = rules
  const publicUrl = `https://hooks.example.com/hooks/${name}`
  const signer = (of: string) => SENDERS.get(name)!.create({ secrets: [secret(of)], publicUrl })
  const own = secret(name)
  const [sender, stranger] = [signer(name), signer(`stranger to ${name}`)]
  return { name, mode, secret: half(own), publicUrl, sender, stranger, credentials }
})

const BY_NAME = new Map(SOURCES.map(source => [source.name, source]))

export const sourceNamed = (name: string): FuzzSource | undefined => BY_NAME.get(name)
