import { historyOf, outcomeOf } from '../history.js'
import type { AcceptOutcome } from '../inbox-store.js'
import {
  type Accepted,
  type ClaimOutcome,
  NEVER,
  type RecordedAttempt,
  type RecordId,
  type RecordSummary,
} from '../store.js'

/**
 * A record is one string: its facts, packed by Lua's `struct` as `<c1c1ddddddI4c0ddI4I4I4c0I4c0`, and then the result. A
 * hash takes 2.6 times the memory and 1.6 times the time, because a field over 64 bytes ends its compact form.
 *
 * | at | field | content |
 * |---|---|---|
 * | 0 | state | `r`unning, `c`ompleted, `f`ailed, or `d`: absent, because it expired in 1970; keeps a fencing token or the mark of watchers |
 * | | | accepted records: `P`ending, `R`unning, `F`ailed (unfinished); `C`ompleted, `D`ead (settled) |
 * | 1 | watched | `1`: the end of an attempt is published |
 * | 2 | doubles | expires (unfinished: due), settled, lease ends, claimed, lock TTL, retention |
 * | | | `settled` of a running record: the length of the lease at its last claim or renewal; negative: claimed from the queue, and not known to have begun; 0: written by an earlier version |
 * | 50 | text | lease id, after its length |
 * | | doubles | fencing token, created |
 * | | integers | attempts, losses |
 * | | text | fingerprint, after its length: empty, or `=` and the fingerprint |
 * | | text | label, history and last error, after their length: the label as `#`, its length as a byte and its text; the history as `@`, its length as two bytes and its text; the error as `=` and its text; each may be missing |
 * | | accepted | integers: round, earlier attempts; double: position in the acceptance stream; texts after their lengths: prefix of the queue's keys, group (empty, or `=` and its text), delivery |
 *
 * Label and history have no fields of their own so that earlier versions can read the record: they take them for the
 * beginning of the last error. The history is how the last attempt failed, if it did, and then the lines of those before it
 * (see `stores/history.ts`), a line feed in front of each. An earlier version that claims the record leaves the history as
 * it is, and one that fails it removes it: only of a failed and a dead record does it begin with the last attempt's.
 *
 * The value of an accepted record is authoritative; its queue only says when to check the record. An acceptance adds an
 * entry to the acceptance stream alone. claim-due.lua moves entries to the agenda before it claims, each with the ms of its
 * acceptance as its score. The score of an unfinished record is the ms when it is due or an earlier one, which
 * claim-due.lua corrects; so claims and renewals need not write it. A group has one entry, which stands for its first
 * record. The score of a settled record is its expiry, negative, and of a dead one lower than any other, so that dead ones are
 * counted by a range; earlier versions gave a dead one its expiry alone. Once that is over the entry is deleted from the agenda
 * and the stream. An entry with another position than the record's is of an earlier record of the same name.
 *
 * While a Cluster moves a slot, a record, its agenda and its stream may be on two servers. A script is sent to the server
 * of its first key. A write to a key on another server must not create that key, or the slot could not be merged: the write
 * fails (`pcall`) or finds nothing to change (`XX`, XREADGROUP). The agenda is then corrected when the lease ends. A record
 * that claim-due.lua does not find is gone only if EXISTS of the record and the agenda gives no error.
 */
const LEASE_ID_AT = 50
const DELETED = 'd'.charCodeAt(0)
const LABEL_MARK = '#'.charCodeAt(0)
const HISTORY_MARK = '@'.charCodeAt(0)

/** Enough bytes for the facts of nearly every record: a lease id, a digest, a label, ten attempts and an error of 1,000 characters. */
export const FACTS_BYTES = 4736

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
  const errorAt = afterText(value, fingerprintAt)
  const [historyAt, historyEnd] = historyIn(value, errorAt)
  const leaseEndsAt = value.readDoubleLE(18)
  const attempts = value.readUInt32LE(numbersAt + 16)
  return {
    ...id,
    state,
    fingerprint: optional(textAt(value, fingerprintAt)),
    label: historyAt === errorAt + 4 ? null : value.toString('utf8', errorAt + 6, historyAt),
    attempts,
    losses: value.readUInt32LE(numbersAt + 20),
    leaseId,
    // Before the first attempt the value has the token of an earlier record of the same name.
    fencingToken: attempts === 0 ? '0' : String(value.readDoubleLE(numbersAt)),
    createdAt: value.readDoubleLE(numbersAt + 8),
    claimedAt: value.readDoubleLE(26),
    leaseEndsAt,
    leaseRemainingMs: state === 'running' ? Math.max(0, leaseEndsAt - now) : 0,
    settledAt: state === 'running' || state === 'pending' ? null : value.readDoubleLE(10),
    expiresAt,
    lastError: optional(value.toString('utf8', historyEnd, afterText(value, errorAt))),
    ...(isAccepted(letter) && { accepted: acceptedOf(value, errorAt, isUnfinished(letter)) }),
  }
}

/** Whether a value is of a record that existed at that time, in whatever state, and not of one created later. */
export function existedAt(value: Buffer, time: number): boolean {
  if (value.length === 0) return false
  return value[0] === DELETED || value.readDoubleLE(afterText(value, LEASE_ID_AT) + 8) <= time
}

function acceptedOf(value: Buffer, errorAt: number, unfinished: boolean): Accepted {
  const acceptedAt = afterText(value, errorAt)
  return {
    dueAt: unfinished ? value.readDoubleLE(2) : null,
    group: optional(textAt(value, afterText(value, acceptedAt + 16))),
    round: value.readUInt32LE(acceptedAt),
    earlierAttempts: value.readUInt32LE(acceptedAt + 4),
  }
}

/** All that the record tells of its attempts. `summary` is that of the value. */
export function attemptsOf(value: Buffer, summary: RecordSummary): RecordedAttempt[] {
  const [start, end] = historyIn(value, afterText(value, afterText(value, LEASE_ID_AT) + 24))
  const [outcome = '', ...lines] = value.toString('utf8', start + 3, end).split('\n')
  return historyOf(lines, { ...summary, outcome: outcome === '' ? null : outcomeOf(outcome) })
}

/** Where the history begins, after the label as {@link labelled} packed it, and where it ends, before the last error. */
function historyIn(value: Buffer, errorAt: number): [start: number, end: number] {
  const end = afterText(value, errorAt)
  let at = errorAt + 4
  if (at < end && value[at] === LABEL_MARK) at += 2 + value[at + 1]!
  return [at, at < end && value[at] === HISTORY_MARK ? at + 3 + value.readUInt16LE(at + 1) : at]
}

/** An accepted record's position in the acceptance stream; `undefined` for other records, and for an empty value. */
export function positionOf(value: Buffer): number | undefined {
  return isAccepted(value.toString('latin1', 0, 1)) ? value.readDoubleLE(factsEnd(value) + 8) : undefined
}

/** The delivery of an accepted record; `undefined` for other records. */
export function deliveryOf(value: Buffer): Uint8Array | undefined {
  if (!isAccepted(value.toString('latin1', 0, 1))) return undefined
  const at = deliveryAt(value)
  return Buffer.from(value.subarray(at + 4, afterText(value, at)))
}

/** The result of a completed record. */
export function resultOf(value: Buffer): Uint8Array {
  const hasDelivery = isAccepted(value.toString('latin1', 0, 1))
  // A copy, because drivers return views of the socket's buffer, and a view keeps all of that in memory.
  return Buffer.from(value.subarray(hasDelivery ? afterText(value, deliveryAt(value)) : factsEnd(value)))
}

const factsEnd = (value: Buffer) => afterText(value, afterText(value, afterText(value, LEASE_ID_AT) + 24))

/** After the prefix of the queue's keys and the group. */
const deliveryAt = (value: Buffer) => afterText(value, afterText(value, factsEnd(value) + 16))

const afterText = (value: Buffer, at: number) => at + 4 + value.readUInt32LE(at)

/** See accept.lua. `undefined`: refused, because a Cluster has no groups. */
export function acceptOutcome(reply: unknown): AcceptOutcome | undefined {
  const [code, at, letter] = reply as [number, number, Buffer]
  if (Number(code) === 3) return { status: 'mismatch' }
  if (Number(code) === 4) return undefined
  if (Number(code) === 1) return { status: 'accepted', acceptedAt: Number(at) }
  return { status: 'known', state: states[String(letter)]!, acceptedAt: Number(at) }
}

/** See claim.lua. */
export function claimOutcome(reply: unknown): ClaimOutcome {
  if (Buffer.isBuffer(reply))
    return { status: 'completed', result: resultOf(reply), completedAt: reply.readDoubleLE(10) }
  const numbers = reply as [code: number, number, number, number]
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

/** Drivers accept buffers and no other byte arrays. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength)

/** A text or `null` as a script's argument. */
export const present = (text: string | null): string => (text === null ? '' : `=${text}`)

/** A label as a script's argument, in the format that scripts put in front of the last error. */
export function labelled(label: string | null | undefined): string | Buffer {
  if (label == null) return ''
  const bytes = Buffer.from(label)
  return Buffer.concat([Buffer.of(LABEL_MARK, bytes.length), bytes])
}

const optional = (text: string): string | null => (text === '' ? null : text.slice(1))

const textAt = (value: Buffer, at: number): string => value.toString('utf8', at + 4, at + 4 + value.readUInt32LE(at))
