import type { RecordId } from '../../store.js'
import type { Entry } from './entry.js'

/** Memory that many records lie in, as numbers and as bytes. */
export interface Slab {
  readonly numbers: Float64Array
  readonly bytes: Buffer
}

/** What of a completed record is not numbers: all texts, one after the other, its result, and what was accepted. */
export interface Contents {
  text: string
  /** Two bytes a character: only if one of them needs it. */
  isWide: boolean
  result: Uint8Array
  delivery: Uint8Array | undefined
}

/** A record begins with its numbers, in the order of {@link pack}. These are read without the rest. */
export const WORDS = 0
export const ORDINAL = 1
export const EXPIRES_AT = 2
const IS_WIDE = 3
const SCOPE_LENGTH = 4
const KEY_LENGTH = 5
const NUMBERS = 23

/** The length of a text, or a number, that is not there. */
const NONE = -1

export function contentsOf(entry: Entry): Contents {
  const { scope, key, leaseId, fencingToken, fingerprint, lastError, accepted, result, delivery } = entry
  const text = scope + key + leaseId + fencingToken + (fingerprint ?? '') + (lastError ?? '') + (accepted?.group ?? '')
  return { text, isWide: Buffer.byteLength(text) !== text.length, result: result!, delivery }
}

/** How much of a slab it takes, in numbers. */
export function wordsFor({ text, isWide, result, delivery }: Contents): number {
  const bytes = (isWide ? 2 : 1) * text.length + result.length + (delivery?.length ?? 0)
  return NUMBERS + Math.ceil(bytes / 8)
}

export function pack(entry: Entry, contents: Contents, { numbers, bytes }: Slab, at: number): void {
  const { text, isWide, result, delivery } = contents
  const { accepted } = entry
  numbers[at + WORDS] = wordsFor(contents)
  numbers[at + ORDINAL] = entry.ordinal
  numbers[at + EXPIRES_AT] = entry.expiresAt
  numbers[at + IS_WIDE] = isWide ? 1 : 0
  numbers[at + SCOPE_LENGTH] = entry.scope.length
  numbers[at + KEY_LENGTH] = entry.key.length
  numbers[at + 6] = entry.leaseId.length
  numbers[at + 7] = entry.fencingToken.length
  numbers[at + 8] = entry.fingerprint?.length ?? NONE
  numbers[at + 9] = entry.lastError?.length ?? NONE
  numbers[at + 10] = accepted?.group?.length ?? NONE
  numbers[at + 11] = result.length
  numbers[at + 12] = delivery?.length ?? NONE
  numbers[at + 13] = entry.attempts
  numbers[at + 14] = entry.losses
  numbers[at + 15] = entry.createdAt
  numbers[at + 16] = entry.claimedAt
  numbers[at + 17] = entry.leaseEndsAt
  numbers[at + 18] = entry.settledAt!
  numbers[at + 19] = entry.lockTtlMs
  numbers[at + 20] = entry.retentionMs
  numbers[at + 21] = accepted?.round ?? NONE
  numbers[at + 22] = accepted?.earlierAttempts ?? NONE
  const textAt = 8 * (at + NUMBERS)
  const resultAt = textAt + bytes.write(text, textAt, encodingOf(isWide))
  bytes.set(result, resultAt)
  if (delivery !== undefined) bytes.set(delivery, resultAt + result.length)
}

/** Its bytes are still the slab's: whoever keeps them, or hands them out, copies them. */
export function unpack({ numbers, bytes }: Slab, at: number): Entry {
  let length = 0
  for (let field = SCOPE_LENGTH; field <= 10; field++) length += Math.max(0, numbers[at + field]!)
  const isWide = numbers[at + IS_WIDE] === 1
  const textAt = 8 * (at + NUMBERS)
  const resultAt = textAt + (isWide ? 2 : 1) * length
  const deliveryAt = resultAt + numbers[at + 11]!
  const deliveryLength = numbers[at + 12]!
  const text = bytes.toString(encodingOf(isWide), textAt, resultAt)
  let end = 0
  const present = (field: number) => {
    const start = end
    end += numbers[at + field]!
    return text.slice(start, end)
  }
  const optional = (field: number) => (numbers[at + field] === NONE ? null : present(field))
  const entry: Entry = {
    state: 'completed',
    ordinal: numbers[at + ORDINAL]!,
    expiresAt: numbers[at + EXPIRES_AT]!,
    scope: present(SCOPE_LENGTH),
    key: present(KEY_LENGTH),
    leaseId: present(6),
    fencingToken: present(7),
    fingerprint: optional(8),
    lastError: optional(9),
    attempts: numbers[at + 13]!,
    losses: numbers[at + 14]!,
    createdAt: numbers[at + 15]!,
    claimedAt: numbers[at + 16]!,
    leaseEndsAt: numbers[at + 17]!,
    settledAt: numbers[at + 18]!,
    lockTtlMs: numbers[at + 19]!,
    retentionMs: numbers[at + 20]!,
    result: bytes.subarray(resultAt, deliveryAt),
  }
  if (deliveryLength !== NONE) entry.delivery = bytes.subarray(deliveryAt, deliveryAt + deliveryLength)
  if (numbers[at + 21] !== NONE) {
    entry.accepted = {
      dueAt: null,
      group: optional(10),
      round: numbers[at + 21]!,
      earlierAttempts: numbers[at + 22]!,
    }
  }
  return entry
}

/** Whether it is the record of that scope and key. */
export function isNamed({ numbers, bytes }: Slab, at: number, { scope, key }: RecordId): boolean {
  if (numbers[at + SCOPE_LENGTH] !== scope.length || numbers[at + KEY_LENGTH] !== key.length) return false
  const isWide = numbers[at + IS_WIDE] === 1
  const textAt = 8 * (at + NUMBERS)
  const length = (isWide ? 2 : 1) * (scope.length + key.length)
  return bytes.toString(encodingOf(isWide), textAt, textAt + length) === scope + key
}

/** Unlike UTF-8 these keep every text as it is, half a surrogate pair too. */
const encodingOf = (isWide: boolean) => (isWide ? 'utf16le' : 'latin1')
