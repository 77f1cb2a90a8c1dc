import { ConfigurationError } from '../errors.js'
import type { Delivery, HeaderList } from '../http/delivery.js'
import type { HandlerResponse } from '../http/response.js'
import type { SecretTraits } from './primitives/secrets.js'
import type { Content, SigningKey } from './primitives/signing-keys.js'

/**
 * A webhook provider's rules: what proves that a delivery is authentic, where the event's id is, and which handshakes
 * are answered. A source with a sender runs only what the sender has signed.
 */
export interface Sender {
  readonly facts: SenderFacts
  /** Why the delivery is not authentic, or `null` if it is. Never throws. `now`: ms since the epoch. */
  verify(delivery: Delivery, now: number): Refusal | null
  /**
   * Headers alone prove that a delivery is authentic (a token): `verify` is also called before the body is read, with
   * an empty one. Absent: the proof covers the body.
   */
  readonly provenByHeaders?: true
  /**
   * The event's idempotency key, or `null` if it has none. Called for verified deliveries only. It is made only of what
   * the signature covers: otherwise a captured delivery can be sent again under another key.
   *
   * @throws {InvalidKeyError} the event's id is not a valid key
   */
  key(delivery: Delivery): string | null
  /**
   * The event's id for people, where the key is another: one in a header that is not signed. Records can be searched by
   * it, if it is visible text of at most 255 bytes. It has no other effect. Never throws.
   */
  readonly label?: (delivery: Delivery) => string | null
  /**
   * The event's type as the sender names it, e.g. `invoice.paid`, or `null` if it has none. People search by it; it has no
   * other effect, and need not be signed. Called for verified deliveries only. Never throws.
   */
  readonly type?: (delivery: Delivery) => string | null
  /** The greatest age of a signature, in milliseconds. Absent: signatures do not expire. */
  readonly toleranceMs?: number
  /** The answer to a handshake, or `null` if the delivery is an event. */
  readonly handshake?: (delivery: Delivery) => HandlerResponse | null
  /** As `handshake`, for handshakes without a signature: called before `verify`. */
  readonly unsignedHandshake?: (delivery: Delivery) => HandlerResponse | null
  /**
   * Headers that contain a secret, in lower case. They are never stored or shown, so that an inbox's handlers do not
   * see them; other handlers do. Default: none.
   */
  readonly secretHeaders?: readonly string[]
  /** Traits of its secrets, for warnings of short and of shared ones. */
  readonly secretTraits?: readonly SecretTraits[]
  /** The statuses that the sender counts as success, the usual one first. Absent: every 2xx. */
  readonly success?: readonly number[]
  /**
   * The headers that sign and identify an event, as the sender sends them. @throws {ConfigurationError} it cannot sign
   */
  sign(event: OutgoingEvent): HeaderList
}

/** Why a delivery is not authentic. */
export type Refusal =
  | 'signature_missing'
  | 'signature_wrong'
  | 'signatures_too_many'
  | 'timestamp_missing'
  | 'timestamp_old'
  | 'timestamp_new'

/** A sender that is selected by its name, in settings and tools. */
export interface SenderKind {
  facts: SenderFacts
  /** @throws {ConfigurationError} a required option is missing or malformed */
  create(options: SenderOptions): Sender
  /** Examples of its events, the one to begin with first; never none. `id` makes each another event. */
  examples(event: { id: string; now: number }): readonly EventExample[]
}

/** The options of any sender. */
export interface SenderOptions {
  /** As the sender's console shows them. Several during rotation. */
  secrets: readonly string[]
  /** The URL exactly as it is registered with the sender: some sign it. */
  publicUrl?: string
  /** The token that the sender repeats in its handshake. */
  verifyToken?: string
}

export interface EventExample {
  /** The type of the event: the sender’s name for it, if there is one. */
  type: string
  contentType: string
  /** Headers that say what it is; those that sign and identify it are {@link Sender.sign}'s. */
  headers: HeaderList
  body: string
}

/** A sender's documentation. */
export interface SenderFacts {
  /** As in `hookonce/senders/{name}`. */
  name: string
  /** The provider's spelling. */
  title: string
  /** Where its console shows the secret, and what it looks like. */
  secret: string
  /** What is signed and how. */
  signature: string
  /** What the idempotency key is. */
  key: string
  /** What a redelivery has in common with the first delivery, and how it is handled. */
  redelivery: string
  /** The sender's timeout for an answer, in milliseconds, or `null` if it is not documented. */
  deadlineMs: number | null
  /**
   * How long an event may be redelivered, automatically or by hand, in milliseconds, or `null` if it is not documented.
   */
  retryHorizonMs: number | null
  /** Its retries, in words. */
  retries: string
  /** What it counts as success, in words. */
  success: string
  /** Common mistakes and limitations. */
  pitfalls: readonly string[]
  /** The provider's documentation. */
  pages: readonly string[]
}

/** An event to sign and send. */
export interface OutgoingEvent {
  method: string
  /** The whole URL that it is sent to. */
  url: string
  body: Uint8Array
  /** The event's id, for senders that have it in a header. */
  id: string
  /** Ms since the epoch. */
  now: number
}

/** What a delivery claims. */
export interface Claim {
  /** As they are in the header. */
  signatures: readonly string[]
  /** The signed content. Several candidates where a sender's implementations differ. */
  contents: readonly Content[]
}

export interface SenderRules extends Omit<Sender, 'verify' | 'sign' | 'toleranceMs' | 'secretTraits'> {
  /** A signature by any of them is valid: old and new during rotation. 1 to 10. */
  keys: readonly SigningKey[]
  /** `null`: the signature is missing or malformed. */
  read(delivery: Delivery): Claim | null
  /** The signed timestamp, in ms since the epoch, or `null` if it is missing or malformed. */
  sentAt?: (delivery: Delivery) => number | null
  /** How far `sentAt` may be from now, in both directions. Default 5 minutes. */
  toleranceMs?: number | undefined
  /** The headers of an event; `sign` gives the signature of a content. */
  write(event: OutgoingEvent, sign: (content: Content) => string): HeaderList
}

/** An honest sender sends one signature, and two during rotation. */
const MAX_SIGNATURES = 10
const MAX_KEYS = 10

const DEFAULT_TOLERANCE_MS = 300_000
/** The least default retention: a replay of an older signature can run again. */
const MAX_TOLERANCE_MS = 7 * 86_400_000

/**
 * Makes a sender of its rules.
 *
 * @throws {ConfigurationError} there is no key, there are more than 10, or `toleranceMs` is not from 1 s to 7 days
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
