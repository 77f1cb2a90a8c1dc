import type { ClaimOutcome, RecordId, RecordSummary } from '../../store.js'

/**
 * A record is one string: its facts, packed by Lua's `struct` as `<c1c1ddddddI4c0ddI4I4I4c0I4c0`, and then the result.
 * Measured on Redis 7.0 (result of 270 bytes, fingerprint of 64, on the server): 576 bytes and 5.6 + 6.3 µs to claim
 * and complete, where a hash takes 1,489 bytes (a field over 64 bytes ends its compact form) and 9.4 + 9.5 µs.
 *
 * | at | | |
 * |---|---|---|
 * | 0 | state | `r`unning, `c`ompleted, `f`ailed, or `d`: expired in 1970, so absent, but its token or its watchers are known |
 * | 1 | watched | `1`: what ends an attempt is published |
 * | 2 | doubles | expires, settled, lease ends, claimed, lock TTL, retention |
 * | 50 | text | lease id, after its length |
 * | | doubles | fencing token, created |
 * | | integers | attempts, losses |
 * | | texts | fingerprint and last error, each after its length: empty, or `=` and the text |
 */
const LEASE_ID_AT = 50

/** The facts of nearly every record are within so many bytes: a lease id, a digest and an error of 1,000 characters. */
export const FACTS_BYTES = 4096

const states: Record<string, RecordSummary['state']> = { r: 'running', c: 'completed', f: 'failed' }

/** Step 0 of every operation: an expired record is an absent one. */
export function summaryOf(value: Buffer, id: RecordId, now: number): RecordSummary | undefined {
  if (value.length === 0) return undefined
  const expiresAt = value.readDoubleLE(2)
  if (now >= expiresAt) return undefined
  const state = states[value.toString('latin1', 0, 1)]!
  const leaseId = textAt(value, LEASE_ID_AT)
  const numbersAt = LEASE_ID_AT + 4 + value.readUInt32LE(LEASE_ID_AT)
  const fingerprintAt = numbersAt + 24
  const lastErrorAt = fingerprintAt + 4 + value.readUInt32LE(fingerprintAt)
  const leaseEndsAt = value.readDoubleLE(18)
  return {
    ...id,
    state,
    fingerprint: optional(textAt(value, fingerprintAt)),
    attempts: value.readUInt32LE(numbersAt + 16),
    losses: value.readUInt32LE(numbersAt + 20),
    leaseId,
    fencingToken: String(value.readDoubleLE(numbersAt)),
    createdAt: value.readDoubleLE(numbersAt + 8),
    claimedAt: value.readDoubleLE(26),
    leaseEndsAt,
    leaseRemainingMs: state === 'running' ? Math.max(0, leaseEndsAt - now) : 0,
    settledAt: state === 'running' ? null : value.readDoubleLE(10),
    expiresAt,
    lastError: optional(textAt(value, lastErrorAt)),
  }
}

/** The result of a completed record. */
export function resultOf(value: Buffer): Uint8Array {
  const fingerprintAt = LEASE_ID_AT + 4 + value.readUInt32LE(LEASE_ID_AT) + 24
  const lastErrorAt = fingerprintAt + 4 + value.readUInt32LE(fingerprintAt)
  // A copy: drivers hand out views of what they read from the socket, and a view keeps all of that in memory.
  return Buffer.from(value.subarray(lastErrorAt + 4 + value.readUInt32LE(lastErrorAt)))
}

/** A claim's answer: see claim.lua. */
export function claimOutcome(answer: unknown): ClaimOutcome {
  if (Buffer.isBuffer(answer))
    return { status: 'completed', result: resultOf(answer), completedAt: answer.readDoubleLE(10) }
  const numbers = answer as [code: number, number, number]
  switch (Number(numbers[0])) {
    case 1:
      return { status: 'acquired', attempt: Number(numbers[1]), fencingToken: String(numbers[2]) }
    case 2:
      return { status: 'running', leaseRemainingMs: Number(numbers[1]) }
    case 3:
      return { status: 'mismatch' }
    default:
      return { status: 'exhausted', losses: Number(numbers[1]) }
  }
}

/** A text that may be missing, as scripts take it. */
export const present = (text: string | null): string => (text === null ? '' : `=${text}`)

const optional = (text: string): string | null => (text === '' ? null : text.slice(1))

const textAt = (value: Buffer, at: number): string => value.toString('utf8', at + 4, at + 4 + value.readUInt32LE(at))
