import type { RecordId } from '../store.js'
import type { Entry } from './entry.js'

/** Memory that many records lie in, as numbers and as bytes. */
export interface Slab {
  readonly numbers: Float64Array
  readonly bytes: Buffer
}

/** What of a record is not numbers: all texts, one after the other, its result, and what was accepted. */
export interface Contents {
  text: string
  /** Two bytes a character: only if one of them needs it. */
  isWide: boolean
  result: Uint8Array | null
  delivery: Uint8Array | undefined
}

/** A record begins with its numbers, in this order. */
export const WORDS = 0
export const ORDINAL = 1
export const EXPIRES_AT = 2
export const DUE_AT = 3
const STATE = 4
const IS_WIDE = 5
/** The lengths of its texts, in the order in which they follow. */
const SCOPE = 6
const KEY = 7
const LEASE_ID = 8
const FENCING_TOKEN = 9
const FINGERPRINT = 10
const LAST_ERROR = 11
const LABEL = 12
const GROUP = 13
/** The lengths of its bytes. */
const RESULT = 14
const DELIVERY = 15
const ATTEMPTS = 16
const LOSSES = 17
const CREATED_AT = 18
const CLAIMED_AT = 19
const LEASE_ENDS_AT = 20
const SETTLED_AT = 21
const LOCK_TTL_MS = 22
const RETENTION_MS = 23
const ROUND = 24
const EARLIER_ATTEMPTS = 25
const NUMBERS = 26

/** The length of what is not there, or a number that is not. */
export const NONE = -1

const STATES = ['completed', 'pending'] as const

export function contentsOf(entry: Entry): Contents {
  const { scope, key, leaseId, fencingToken, fingerprint, lastError, accepted, label, result, delivery } = entry
  const optional = (fingerprint ?? '') + (lastError ?? '') + (label ?? '') + (accepted?.group ?? '')
  const text = scope + key + leaseId + fencingToken + optional
  return { text, isWide: Buffer.byteLength(text) !== text.length, result, delivery }
}

/** How much of a slab it takes, in numbers. */
export function wordsFor({ text, isWide, result, delivery }: Contents): number {
  const bytes = (isWide ? 2 : 1) * text.length + (result?.length ?? 0) + (delivery?.length ?? 0)
  return NUMBERS + Math.ceil(bytes / 8)
}

export function pack(entry: Entry, contents: Contents, { numbers, bytes }: Slab, at: number): void {
  const { text, isWide, result, delivery } = contents
  const { accepted } = entry
  numbers[at + WORDS] = wordsFor(contents)
  numbers[at + ORDINAL] = entry.ordinal
  numbers[at + EXPIRES_AT] = entry.expiresAt
  numbers[at + DUE_AT] = accepted?.dueAt ?? NONE
  numbers[at + STATE] = entry.state === 'completed' ? 0 : 1
  numbers[at + IS_WIDE] = isWide ? 1 : 0
  numbers[at + SCOPE] = entry.scope.length
  numbers[at + KEY] = entry.key.length
  numbers[at + LEASE_ID] = entry.leaseId.length
  numbers[at + FENCING_TOKEN] = entry.fencingToken.length
  numbers[at + FINGERPRINT] = entry.fingerprint?.length ?? NONE
  numbers[at + LAST_ERROR] = entry.lastError?.length ?? NONE
  numbers[at + LABEL] = entry.label?.length ?? NONE
  numbers[at + GROUP] = accepted?.group?.length ?? NONE
  numbers[at + RESULT] = result?.length ?? NONE
  numbers[at + DELIVERY] = delivery?.length ?? NONE
  numbers[at + ATTEMPTS] = entry.attempts
  numbers[at + LOSSES] = entry.losses
  numbers[at + CREATED_AT] = entry.createdAt
  numbers[at + CLAIMED_AT] = entry.claimedAt
  numbers[at + LEASE_ENDS_AT] = entry.leaseEndsAt
  numbers[at + SETTLED_AT] = entry.settledAt ?? NONE
  numbers[at + LOCK_TTL_MS] = entry.lockTtlMs
  numbers[at + RETENTION_MS] = entry.retentionMs
  numbers[at + ROUND] = accepted?.round ?? NONE
  numbers[at + EARLIER_ATTEMPTS] = accepted?.earlierAttempts ?? NONE
  const textAt = 8 * (at + NUMBERS)
  const resultAt = textAt + bytes.write(text, textAt, encodingOf(isWide))
  if (result !== null) bytes.set(result, resultAt)
  if (delivery !== undefined) bytes.set(delivery, resultAt + (result?.length ?? 0))
}

/** Its bytes are still the slab's: whoever keeps them, or hands them out, copies them. */
export function unpack({ numbers, bytes }: Slab, at: number): Entry {
  let length = 0
  for (let field = SCOPE; field <= GROUP; field++) length += Math.max(0, numbers[at + field]!)
  const isWide = numbers[at + IS_WIDE] === 1
  const textAt = 8 * (at + NUMBERS)
  const resultAt = textAt + (isWide ? 2 : 1) * length
  const deliveryAt = resultAt + Math.max(0, numbers[at + RESULT]!)
  const text = bytes.toString(encodingOf(isWide), textAt, resultAt)
  let end = 0
  const present = (field: number) => {
    const start = end
    end += numbers[at + field]!
    return text.slice(start, end)
  }
  const optional = (field: number) => (numbers[at + field] === NONE ? null : present(field))
  const number = (field: number) => (numbers[at + field] === NONE ? null : numbers[at + field]!)
  const entry: Entry = {
    state: STATES[numbers[at + STATE]!]!,
    ordinal: numbers[at + ORDINAL]!,
    expiresAt: numbers[at + EXPIRES_AT]!,
    scope: present(SCOPE),
    key: present(KEY),
    leaseId: present(LEASE_ID),
    fencingToken: present(FENCING_TOKEN),
    fingerprint: optional(FINGERPRINT),
    lastError: optional(LAST_ERROR),
    label: optional(LABEL),
    attempts: numbers[at + ATTEMPTS]!,
    losses: numbers[at + LOSSES]!,
    createdAt: numbers[at + CREATED_AT]!,
    claimedAt: numbers[at + CLAIMED_AT]!,
    leaseEndsAt: numbers[at + LEASE_ENDS_AT]!,
    settledAt: number(SETTLED_AT),
    lockTtlMs: numbers[at + LOCK_TTL_MS]!,
    retentionMs: numbers[at + RETENTION_MS]!,
    begun: false,
    result: numbers[at + RESULT] === NONE ? null : bytes.subarray(resultAt, deliveryAt),
  }
  if (numbers[at + DELIVERY] !== NONE) {
    entry.delivery = bytes.subarray(deliveryAt, deliveryAt + numbers[at + DELIVERY]!)
  }
  if (numbers[at + ROUND] !== NONE) {
    entry.accepted = {
      dueAt: number(DUE_AT),
      group: optional(GROUP),
      round: numbers[at + ROUND]!,
      earlierAttempts: numbers[at + EARLIER_ATTEMPTS]!,
    }
  }
  return entry
}

export function isOfScope({ numbers, bytes }: Slab, at: number, scope: string): boolean {
  if (numbers[at + SCOPE] !== scope.length) return false
  const isWide = numbers[at + IS_WIDE] === 1
  const textAt = 8 * (at + NUMBERS)
  return bytes.toString(encodingOf(isWide), textAt, textAt + (isWide ? 2 : 1) * scope.length) === scope
}

/** Whether it is the record of that scope and key. */
export function isNamed({ numbers, bytes }: Slab, at: number, { scope, key }: RecordId): boolean {
  if (numbers[at + SCOPE] !== scope.length || numbers[at + KEY] !== key.length) return false
  const isWide = numbers[at + IS_WIDE] === 1
  const textAt = 8 * (at + NUMBERS)
  const length = (isWide ? 2 : 1) * (scope.length + key.length)
  return bytes.toString(encodingOf(isWide), textAt, textAt + length) === scope + key
}

/** Unlike UTF-8 these keep every text as it is, half a surrogate pair too. */
const encodingOf = (isWide: boolean) => (isWide ? 'utf16le' : 'latin1')
