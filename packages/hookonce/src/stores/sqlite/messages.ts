import type { AcceptRequest, ClaimDueRequest, FailNext, InboxStore } from '../inbox-store.js'
import type { ClaimRequest, ListQuery, RecordId } from '../store.js'
import type { Failure } from './database/errors.js'
import type { Handovers } from './lock-handover.js'

/** What each operation of the worker takes. */
export interface Payloads {
  claim: Required<ClaimRequest>
  renew: RecordId & { leaseId: string; leaseMs: number }
  complete: RecordId & { leaseId: string; result: Uint8Array }
  fail: RecordId & { leaseId: string; error: string; next: FailNext }
  accept: Required<AcceptRequest>
  claimDue: Required<ClaimDueRequest>
  redrive: RecordId & { completed: boolean }
  backlog: { scope: string }
  delete: RecordId & { force: boolean }
  get: RecordId
  list: ListQuery
  stats: object
  usage: { scope: string }
  purge: { limit: number }
  ready: object
  /** Answered when the worker leaves the write lock to the caller's thread. */
  handover: { handover: number }
  close: object
}

export type Operation = keyof Payloads

export type Request<Name extends Operation = Operation> = {
  [Each in Name]: { id: number; operation: Each; payload: Payloads[Each] }
}[Name]

/** The contract's outcome of an operation, with `null` in place of `undefined`. */
export type OutcomeOf<Name extends Operation> = Name extends keyof InboxStore
  ? OrNull<Awaited<ReturnType<Required<InboxStore>[Name]>>>
  : null

type OrNull<Outcome> = Outcome extends void ? null : Outcome

export interface Answer {
  id: number
  outcome?: unknown
  failure?: Failure
}

/** What one thread posts to the other. */
export interface Message<Entry extends Request | Answer> {
  entries: Entry[]
  /**
   * All results and deliveries of the entries, in order; in their objects are their lengths. One transferred buffer
   * costs a tenth of a structured clone of each array.
   */
  bytes: Uint8Array<ArrayBuffer> | undefined
}

export interface WorkerSettings extends ConnectionSettings {
  purgeIntervalMs: number
  handovers: Handovers
}

export interface ConnectionSettings {
  path: string
  synchronous: 'full' | 'normal'
  busyTimeoutMs: number
}

interface Port {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void
}

/** Detaches the bytes from the entries' objects and transfers them. */
export function post(port: Port, entries: readonly (Request | Answer)[]): void {
  const parts: Uint8Array[] = []
  for (const carrier of carriersOf(entries)) {
    for (const field of BYTE_FIELDS) {
      const part = carrier[field]
      if (typeof part !== 'object' || part === null) continue
      parts.push(part)
      carrier[field] = part.byteLength
    }
  }
  if (parts.length === 0) port.postMessage({ entries })
  else {
    const bytes = joined(parts)
    port.postMessage({ entries, bytes }, [bytes.buffer])
  }
}

/** Puts the bytes back into the entries' objects. A part that is a view keeps the whole message's bytes in memory. */
export function unpack<Entry extends Request | Answer>(
  { entries, bytes }: Message<Entry>,
  { copy }: { copy: boolean },
): Entry[] {
  if (bytes === undefined) return entries
  let offset = 0
  for (const carrier of carriersOf(entries)) {
    for (const field of BYTE_FIELDS) {
      const length = carrier[field]
      if (typeof length !== 'number') continue
      const end = offset + length
      carrier[field] = copy ? bytes.slice(offset, end) : bytes.subarray(offset, end)
      offset = end
    }
  }
  return entries
}

const BYTE_FIELDS = ['result', 'delivery'] as const

type Carrier = { [Field in (typeof BYTE_FIELDS)[number]]?: Uint8Array | number | null }

/** The objects that may have bytes. An outcome may be a list of them. */
function carriersOf(entries: readonly { payload?: unknown; outcome?: unknown }[]): Carrier[] {
  return entries.flatMap(({ payload, outcome = payload }) => outcome as Carrier).filter(isObject)
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
  // Not zeroed, because it is filled; not of the shared pool, because it is transferred.
  const bytes = Buffer.allocUnsafeSlow(length)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return bytes
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
