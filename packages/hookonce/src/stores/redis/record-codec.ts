import type { AcceptOutcome } from '../inbox-store.js'
import { type Accepted, type ClaimOutcome, NEVER, type RecordId, type RecordSummary } from '../store.js'

/**
 * A record is one string: its facts, packed by Lua's `struct` as `<c1c1ddddddI4c0ddI4I4I4c0I4c0`, and then the result.
 * Measured on Redis 7.0 (result of 270 bytes, fingerprint of 64, on the server): 576 bytes and 5.6 + 6.3 µs to claim
 * and complete, where a hash takes 1,489 bytes (a field over 64 bytes ends its compact form) and 9.4 + 9.5 µs.
 *
 * | at | | |
 * |---|---|---|
 * | 0 | state | `r`unning, `c`ompleted, `f`ailed, or `d`: expired in 1970, so absent, but its token or its watchers are known |
 * | | | of accepted records `P`ending, `R`unning, `F`ailed: unfinished; `C`ompleted, `D`ead: settled |
 * | 1 | watched | `1`: what ends an attempt is published |
 * | 2 | doubles | expires (unfinished: is due), settled, lease ends, claimed, lock TTL, retention |
 * | | | `settled` while it runs: how long the lease was to last that was taken or renewed last; negative: the attempt was taken from the queue and may not have begun; 0: a version before wrote it |
 * | 50 | text | lease id, after its length |
 * | | doubles | fencing token, created |
 * | | integers | attempts, losses |
 * | | texts | fingerprint, and told, each after its length: empty, or `=` and the fingerprint or the last error. With a label that is in front: `#`, a byte, and so many bytes |
 * | | accepted | integers: round, earlier attempts; double: its place in the log; texts after their lengths: name of its queue, group (empty, or `=` and it), delivery |
 *
 * Versions before the label take it for a part of the last error: they keep it until an attempt fails, and read the rest as
 * ever, which they could not if it had a place of its own.
 *
 * Of an accepted record the value says what is true; the agenda of its queue only where to look. An acceptance writes
 * to the log alone; whoever takes what is due reads on in it first, and puts what he finds into the agenda as due since
 * its acceptance, whatever became of it. There an unfinished record has the ms when it is due, or an earlier one: whoever
 * finds it too early corrects that, so renewals and claims need not write it. For the records of a group the group stands
 * there, as its first. A settled record has what it expires at, negative: then the log forgets it. An entry of another
 * place in the log than the record's is of an earlier record of that name.
 *
 * While a Cluster moves a slot, a record, its agenda and its log may be on two servers. Scripts ask for the record, or for
 * the agenda; what they write to the others then gets an error (`pcall`) or finds no entry (`XX`, XREADGROUP), which would
 * be a second one that the slot cannot be merged with. The lease's end, which the agenda has, sets that right. A record
 * that claim-due.lua does not find is gone, unless a command for it and the agenda gets an error.
 */
const LEASE_ID_AT = 50
const DELETED = 'd'.charCodeAt(0)
const LABEL_MARK = '#'.charCodeAt(0)

/** The facts of nearly every record are within so many bytes: a lease id, a digest, a label and an error of 1,000 characters. */
export const FACTS_BYTES = 4096

const states: Record<string, RecordSummary['state']> = {
  ...{ r: 'running', c: 'completed', f: 'failed' },
  ...{ P: 'pending', R: 'running', F: 'failed', C: 'completed', D: 'dead' },
}
const ACCEPTED = new Set('PRFCD')
const UNFINISHED = new Set('PRF')
const isAccepted = (letter: string) => ACCEPTED.has(letter)
const isUnfinished = (letter: string) => UNFINISHED.has(letter)

/** Step 0 of every operation: an expired record is an absent one. */
export function summaryOf(value: Buffer, id: RecordId, now: number): RecordSummary | undefined {
  if (value.length === 0) return undefined
  const letter = value.toString('latin1', 0, 1)
  const expiresAt = isUnfinished(letter) ? NEVER : value.readDoubleLE(2)
  if (now >= expiresAt) return undefined
  const state = states[letter]!
  const leaseId = textAt(value, LEASE_ID_AT)
  const numbersAt = afterText(value, LEASE_ID_AT)
  const fingerprintAt = numbersAt + 24
  const toldAt = afterText(value, fingerprintAt)
  const labelBytes = labelBytesOf(value, toldAt)
  const leaseEndsAt = value.readDoubleLE(18)
  const attempts = value.readUInt32LE(numbersAt + 16)
  return {
    ...id,
    state,
    fingerprint: optional(textAt(value, fingerprintAt)),
    label: labelBytes === 0 ? null : value.toString('utf8', toldAt + 6, toldAt + 4 + labelBytes),
    attempts,
    losses: value.readUInt32LE(numbersAt + 20),
    leaseId,
    // Before the first attempt it is what a record of the same name had before.
    fencingToken: attempts === 0 ? '0' : String(value.readDoubleLE(numbersAt)),
    createdAt: value.readDoubleLE(numbersAt + 8),
    claimedAt: value.readDoubleLE(26),
    leaseEndsAt,
    leaseRemainingMs: state === 'running' ? Math.max(0, leaseEndsAt - now) : 0,
    settledAt: state === 'running' || state === 'pending' ? null : value.readDoubleLE(10),
    expiresAt,
    lastError: optional(value.toString('utf8', toldAt + 4 + labelBytes, afterText(value, toldAt))),
    ...(isAccepted(letter) && { accepted: acceptedOf(value, toldAt, isUnfinished(letter)) }),
  }
}

/** Whether a value is of a record that stood at that time, whatever became of it, and not of one that was made anew. */
export function stoodAt(value: Buffer, time: number): boolean {
  if (value.length === 0) return false
  return value[0] === DELETED || value.readDoubleLE(afterText(value, LEASE_ID_AT) + 8) <= time
}

function acceptedOf(value: Buffer, toldAt: number, unfinished: boolean): Accepted {
  const acceptedAt = afterText(value, toldAt)
  return {
    dueAt: unfinished ? value.readDoubleLE(2) : null,
    group: optional(textAt(value, afterText(value, acceptedAt + 16))),
    round: value.readUInt32LE(acceptedAt),
    earlierAttempts: value.readUInt32LE(acceptedAt + 4),
  }
}

/** How much of what was told is the label, as {@link labelled} packed it. */
function labelBytesOf(value: Buffer, toldAt: number): number {
  const isLabelled = value.readUInt32LE(toldAt) > 0 && value[toldAt + 4] === LABEL_MARK
  return isLabelled ? 2 + value[toldAt + 5]! : 0
}

/** An accepted record's place in the log; `undefined` of other records, and where there is none. */
export function orderOf(value: Buffer): number | undefined {
  return isAccepted(value.toString('latin1', 0, 1)) ? value.readDoubleLE(factsEnd(value) + 8) : undefined
}

/** What was accepted; `undefined` of other records. */
export function deliveryOf(value: Buffer): Uint8Array | undefined {
  if (!isAccepted(value.toString('latin1', 0, 1))) return undefined
  const at = deliveryAt(value)
  return Buffer.from(value.subarray(at + 4, afterText(value, at)))
}

/** The result of a completed record. */
export function resultOf(value: Buffer): Uint8Array {
  const hasDelivery = isAccepted(value.toString('latin1', 0, 1))
  // A copy: drivers hand out views of what they read from the socket, and a view keeps all of that in memory.
  return Buffer.from(value.subarray(hasDelivery ? afterText(value, deliveryAt(value)) : factsEnd(value)))
}

const factsEnd = (value: Buffer) => afterText(value, afterText(value, afterText(value, LEASE_ID_AT) + 24))

/** After the queue's name and the group. */
const deliveryAt = (value: Buffer) => afterText(value, afterText(value, factsEnd(value) + 16))

const afterText = (value: Buffer, at: number) => at + 4 + value.readUInt32LE(at)

/** An acceptance's answer: see accept.lua. `undefined` where there are no groups. */
export function acceptOutcome(answer: unknown): AcceptOutcome | undefined {
  const [code, at, letter] = answer as [number, number, Buffer]
  if (Number(code) === 3) return { status: 'mismatch' }
  if (Number(code) === 4) return undefined
  if (Number(code) === 1) return { status: 'accepted', acceptedAt: Number(at) }
  return { status: 'known', state: states[String(letter)]!, acceptedAt: Number(at) }
}

/** A claim's answer: see claim.lua. */
export function claimOutcome(answer: unknown): ClaimOutcome {
  if (Buffer.isBuffer(answer))
    return { status: 'completed', result: resultOf(answer), completedAt: answer.readDoubleLE(10) }
  const numbers = answer as [code: number, number, number, number]
  switch (Number(numbers[0])) {
    case 1:
      return {
        ...{ status: 'acquired', attempt: Number(numbers[1]), fencingToken: String(numbers[2]) },
        tookOver: Number(numbers[3]) === 1,
      }
    case 2:
      return { status: 'running', leaseRemainingMs: Number(numbers[1]) }
    case 3:
      return { status: 'mismatch' }
    default:
      return { status: 'exhausted', losses: Number(numbers[1]) }
  }
}

/** Drivers send buffers and take other arrays for something else. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength)

/** A text that may be missing, as scripts take it. */
export const present = (text: string | null): string => (text === null ? '' : `=${text}`)

/** A label, as scripts put it in front of the last error. */
export function labelled(label: string | null | undefined): string | Buffer {
  if (label == null) return ''
  const bytes = Buffer.from(label)
  return Buffer.concat([Buffer.of(LABEL_MARK, bytes.length), bytes])
}

const optional = (text: string): string | null => (text === '' ? null : text.slice(1))

const textAt = (value: Buffer, at: number): string => value.toString('utf8', at + 4, at + 4 + value.readUInt32LE(at))
