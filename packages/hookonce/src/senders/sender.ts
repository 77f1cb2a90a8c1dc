import { ConfigurationError } from '../errors.js'
import type { Delivery, HeaderList } from '../http/delivery.js'
import type { HandlerResponse } from '../http/response.js'
import type { SecretTraits } from './primitives/secrets.js'
import type { Content, SigningKey } from './primitives/signing-keys.js'

/**
 * Who delivers, and how: what proves that a delivery is theirs, where their name for the event is, which handshakes
 * they expect an answer to. A source that has a sender runs nothing that the sender did not sign.
 */
export interface Sender {
  readonly facts: SenderFacts
  /** `null`: the delivery is the sender's own. Never throws, whatever a stranger sends. `now`: ms since the epoch. */
  verify(delivery: Delivery, now: number): Refusal | null
  /**
   * The proof stands in the headers alone, a token for one: `verify` is asked before the body is read too, of a delivery
   * without one. Absent: the body is part of what is proven.
   */
  readonly provenByHeaders?: true
  /**
   * What names the event; `null`: nothing does. Asked of verified deliveries only. It is made of what the signature covers
   * and of nothing else, or whoever captured a delivery could give it another name, or another delivery's.
   *
   * @throws {InvalidKeyError}
   */
  key(delivery: Delivery): string | null
  /**
   * What people know the event by, where the key does not say it: the sender's name in a header that is not signed. It is
   * kept with the record to be searched by, if it is visible text of at most 255 bytes, and decides nothing. Never throws.
   */
  readonly label?: (delivery: Delivery) => string | null
  /** How old a signature may be, in milliseconds. Absent: it never gets old. */
  readonly toleranceMs?: number
  /** The answer to a handshake; `null`: it is an event. */
  readonly handshake?: (delivery: Delivery) => HandlerResponse | null
  /** As `handshake`, for those that the sender does not sign: asked before the signature is verified. */
  readonly unsignedHandshake?: (delivery: Delivery) => HandlerResponse | null
  /**
   * The headers that tell a secret, in lower case: no delivery is kept or shown with them. Handlers that answer a
   * delivery see them, those of an inbox do not. Default: none.
   */
  readonly secretHeaders?: readonly string[]
  /** What may be known of its secrets, so that short ones and shared ones are warned of. */
  readonly secretTraits?: readonly SecretTraits[]
  /** The statuses that the sender takes for success, the usual one first. Absent: every 2xx. */
  readonly success?: readonly number[]
  /** What the sender would send for an event: the headers that sign and name it. @throws {ConfigurationError} */
  sign(event: OutgoingEvent): HeaderList
}

/** Why a delivery is not taken for its sender's. */
export type Refusal =
  | 'signature_missing'
  | 'signature_wrong'
  | 'signatures_too_many'
  | 'timestamp_missing'
  | 'timestamp_old'
  | 'timestamp_new'

/** A sender known by its name: what settings and tools make one of. */
export interface SenderKind {
  facts: SenderFacts
  /** @throws {ConfigurationError} what this sender needs is missing or not in its form */
  create(options: SenderOptions): Sender
  /** An event as it may send it. */
  example(event: { id: string; now: number }): EventExample
}

/** What any sender can be made of. */
export interface SenderOptions {
  /** As the sender's console shows them; several while one is replaced. */
  secrets: readonly string[]
  /** The URL that the sender was told, letter for letter: some sign it. */
  publicUrl?: string
  /** The word that the sender was told to show in its handshake, where it has one. */
  verifyToken?: string
}

export interface EventExample {
  body: string
  contentType: string
}

/** What people should know of a sender; the pages of the documentation are made of it. */
export interface SenderFacts {
  /** As in `hookonce/senders/{name}`. */
  name: string
  /** As its maker writes it. */
  title: string
  /** Where its console shows the secret, and what it looks like. */
  secret: string
  /** What is signed and how. */
  signature: string
  /** What names an event. */
  key: string
  /** What a delivery that comes again has in common with the first, and what becomes of it here. */
  redelivery: string
  /** How soon it wants an answer, in milliseconds; `null`: it does not say. */
  deadlineMs: number | null
  /** How long after an event it may deliver it again, by itself or by hand, in milliseconds; `null`: it does not say. */
  retryHorizonMs: number | null
  /** Its retries, in words. */
  retries: string
  /** What it takes for success, in words. */
  success: string
  /** What goes wrong with it elsewhere, and what to know here. */
  pitfalls: readonly string[]
  /** The maker's own pages. */
  pages: readonly string[]
}

/** An event to be sent as its sender would. */
export interface OutgoingEvent {
  method: string
  /** The whole URL that it is sent to. */
  url: string
  body: Uint8Array
  /** The sender's name for the event, for those that have it in a header. */
  id: string
  /** Ms since the epoch. */
  now: number
}

/** What a delivery claims. */
export interface Claim {
  /** As they stand in the header, in the form that the keys give them. */
  signatures: readonly string[]
  /** What is signed; several where senders are known to differ in one point. */
  contents: readonly Content[]
}

export interface SenderRules extends Omit<Sender, 'verify' | 'sign' | 'toleranceMs' | 'secretTraits'> {
  /** Every one is as good: the old and the new one while a secret is replaced. 1 to {@link MAX_KEYS}. */
  keys: readonly SigningKey[]
  /** `null`: there is no signature, or not in the sender's form. */
  read(delivery: Delivery): Claim | null
  /** When it was sent, in ms since the epoch; `null`: not said, or not in the sender's form. */
  sentAt?: (delivery: Delivery) => number | null
  /** How far `sentAt` may be from now, in both directions. Default 5 minutes. */
  toleranceMs?: number | undefined
  /** The headers of an event; `sign` gives the signature of a content. */
  write(event: OutgoingEvent, sign: (content: Content) => string): HeaderList
}

/** More cannot be an honest sender's: it has one while a secret is in use, two while it is replaced. */
const MAX_SIGNATURES = 10
const MAX_KEYS = 10

const DEFAULT_TOLERANCE_MS = 300_000
/** What was recorded is kept for so long at least, unless somebody wants it otherwise. */
const MAX_TOLERANCE_MS = 7 * 86_400_000

/**
 * A sender by its rules.
 *
 * @throws {ConfigurationError} no key, too many, or a tolerance that lets nothing or everything in
 */
export function defineSender({ keys, read, sentAt, toleranceMs, write, ...rest }: SenderRules): Sender {
  const { name } = rest.facts
  if (keys.length === 0) throw new ConfigurationError(`${name}: at least one secret is needed`)
  if (keys.length > MAX_KEYS) throw new ConfigurationError(`${name}: at most ${MAX_KEYS} secrets are tried`)
  const tolerance = toleranceMs ?? DEFAULT_TOLERANCE_MS
  if (!(tolerance >= 1_000 && tolerance <= MAX_TOLERANCE_MS)) {
    throw new ConfigurationError(
      `${name}: toleranceMs must be from 1000 (1 s) to ${MAX_TOLERANCE_MS} (7 days), not ${toleranceMs}`,
    )
  }

  return {
    ...rest,
    ...(sentAt !== undefined && { toleranceMs: tolerance }),
    secretTraits: keys.flatMap(({ secret }) => secret ?? []),

    verify(delivery, now) {
      const claim = read(delivery)
      if (claim === null || claim.signatures.length === 0) return 'signature_missing'
      if (claim.signatures.length > MAX_SIGNATURES) return 'signatures_too_many'
      if (!isSigned(claim, keys)) return 'signature_wrong'
      return sentAt === undefined ? null : untimely(sentAt(delivery), now, tolerance)
    },

    sign: event => write(event, content => keys[0]!.sign(content)),
  }
}

function isSigned({ contents, signatures }: Claim, keys: readonly SigningKey[]): boolean {
  for (const key of keys) {
    for (const content of contents) {
      const matches = key.over(content)
      for (const signature of signatures) if (matches(signature)) return true
    }
  }
  return false
}

function untimely(sentAt: number | null, now: number, toleranceMs: number): Refusal | null {
  if (sentAt === null) return 'timestamp_missing'
  if (sentAt < now - toleranceMs) return 'timestamp_old'
  return sentAt > now + toleranceMs ? 'timestamp_new' : null
}
