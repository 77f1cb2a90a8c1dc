import type { MessagePort } from 'node:worker_threads'
import type { AcceptRequest, ClaimDueRequest, FailNext, InboxStore, RedriveOptions } from '../inbox-store.js'
import type { JournalEntry, JournalQuery, NewEntry } from '../journal.js'
import type { AttemptOutcome, ClaimRequest, ListQuery, RecordId } from '../store.js'
import type { Failure } from './database/errors.js'
import type { Handovers } from './lock-handover.js'

/** What each operation of the worker takes. */
export interface Payloads {
  claim: Required<ClaimRequest>
  renew: RecordId & { leaseId: string; leaseMs: number }
  complete: RecordId & { leaseId: string; result: Uint8Array }
  fail: RecordId & { leaseId: string; error: string; outcome: AttemptOutcome; next: FailNext }
  accept: Required<AcceptRequest>
  claimDue: Required<ClaimDueRequest>
  redrive: RecordId & Required<RedriveOptions>
  backlog: { scope: string }
  delete: RecordId & { force: boolean }
  get: RecordId
  list: ListQuery
  stats: object
  usage: { scope: string }
  purge: { limit: number }
  writeEntries: { entries: readonly NewEntry[] }
  readEntries: { list: string } & JournalQuery & Required<Pick<JournalQuery, 'since' | 'until'>>
  findEntry: { list: string; id: string }
  removeEntry: { list: string; id: string }
  trimEntries: { list: string; most: number }
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
  : Name extends keyof EntryOutcomes
    ? EntryOutcomes[Name]
    : null

interface EntryOutcomes {
  readEntries: JournalEntry[]
  findEntry: JournalEntry | null
  removeEntry: boolean
  trimEntries: number
}

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

/** What the worker starts with. */
export interface WorkerData {
  settings: WorkerSettings
  port: MessagePort
}

export interface WorkerSettings extends ConnectionSettings {
  /** What {@link findDriver} found. */
  driver: string
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
  let length = 0
  replaceBytes<Uint8Array, number>(entries, part => {
    parts.push(part)
    length += part.byteLength
    return part.byteLength
  })
  if (parts.length === 0) {
    port.postMessage({ entries })
    return
  }
  // Not zeroed, because it is filled; not of the shared pool, because it is transferred.
  const bytes = Buffer.allocUnsafeSlow(length)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.byteLength
  }
  port.postMessage({ entries, bytes }, [bytes.buffer])
}

/** Puts the bytes back into the entries' objects. A part that is a view keeps the whole message's bytes in memory. */
export function unpack<Entry extends Request | Answer>(message: Message<Entry>, { copy }: { copy: boolean }): Entry[] {
  const { entries, bytes } = message
  if (bytes === undefined) return entries
  let offset = 0
  replaceBytes<number, Uint8Array>(entries, length => {
    const start = offset
    offset += length
    return copy ? bytes.slice(start, offset) : bytes.subarray(start, offset)
  })
  return entries
}

type Carrier<Value> = { [Field in (typeof BYTE_FIELDS)[number]]?: Value | null }

const BYTE_FIELDS = ['result', 'delivery'] as const

/** Replaces each result and delivery in place. */
function replaceBytes<From, To>(
  entries: readonly { payload?: unknown; outcome?: unknown }[],
  replace: (value: From) => To,
): void {
  function replaceIn(carrier: Carrier<From | To>): void {
    for (const field of BYTE_FIELDS) {
      const value = carrier[field] as From | null | undefined
      if (value !== undefined && value !== null) carrier[field] = replace(value)
    }
  }

  for (const { payload, outcome = payload } of entries) {
    if (Array.isArray(outcome)) outcome.forEach(replaceIn)
    else if (typeof outcome === 'object' && outcome !== null) replaceIn(outcome)
  }
}
