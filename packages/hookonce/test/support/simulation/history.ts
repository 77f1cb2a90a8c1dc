import { type Clock, type InboxStore, type RecordId, type RecordSummary, StoreError } from 'hookonce'
import type { Ledger, WholeStore } from './link.js'

/** One run of a handler. Times are of the monotonic clock of the simulation. */
export interface Run {
  id: RecordId
  process: object
  attempt: number
  token: bigint
  startedAt: number
  /** When it ended, was told to stop, or its process was gone: whichever was first. */
  overAt: number | undefined
  /** What it came to, and since when; it is held until its store has answered, or nobody waits for that any more. */
  result: { text: string; since: number; heldUntil: number } | undefined
}

export interface Answered {
  process: { dead: boolean }
  askedAt: number
  /** Undefined: its process was gone before. */
  answeredAt: number | undefined
  status: number | undefined
  body: string | undefined
}

/** What the store did to a key, in its order. */
export type Change =
  | { what: 'completed'; result: string; at: number; storeTime: number }
  | { what: 'deleted' | 'expired'; at: number }
  /** `ofCompleted`: that was asked for. */
  | { what: 'redriven'; ofCompleted: boolean; at: number }

export interface KeyHistory {
  runs: Run[]
  answers: Answered[]
  changes: Change[]
  effects: string[]
}

export interface History {
  keys: Map<string, KeyHistory>
  /** When the store's clock stepped, and how far. */
  clockSteps: { at: number; ms: number }[]
  /** What is in the store when all had time to come to its end, and when that was. */
  records: RecordSummary[]
  healedAt: number
  fired: Record<string, number>
}

export const nameOf = ({ scope, key }: RecordId): string => `${scope}/${key}`

export function keyHistory({ keys }: History, id: RecordId): KeyHistory {
  const name = nameOf(id)
  const found = keys.get(name) ?? { runs: [], answers: [], changes: [], effects: [] }
  keys.set(name, found)
  return found
}

/**
 * The store with transactions, all whose changes are written down where they happen. `latest`: the furthest that its clock
 * has been.
 */
export function observed(store: InboxStore, time: Clock, latest: () => number, history: History): WholeStore {
  const retentions = new Map<string, number>()
  const note = (id: RecordId, change: Change) => keyHistory(history, id).changes.push(change)

  /** A result whose retention is over is as good as absent, which nothing else tells of; it may have been removed then. */
  function noteExpiry(id: RecordId): void {
    const last = keyHistory(history, id).changes.at(-1)
    const retention = retentions.get(nameOf(id)) ?? Number.POSITIVE_INFINITY
    if (last?.what === 'completed' && latest() >= last.storeTime + retention) {
      note(id, { what: 'expired', at: time.monotonic() })
    }
  }

  const complete: InboxStore['complete'] = async (id, leaseId, result) => {
    noteExpiry(id)
    const outcome = await store.complete(id, leaseId, result)
    const before = keyHistory(history, id).changes.at(-1)
    const isNew = before?.what !== 'completed'
    const text = bodyOf(result)
    // The same completion again is told the same.
    if (outcome.status === 'completed' && (isNew || before.result !== text)) {
      note(id, { what: 'completed', result: text, at: time.monotonic(), storeTime: outcome.completedAt })
    }
    return outcome
  }

  return {
    ...store,
    transactions: 'async',
    complete,
    async claim(request) {
      noteExpiry(request)
      retentions.set(nameOf(request), request.retentionMs)
      return store.claim(request)
    },
    async accept(request) {
      noteExpiry(request)
      retentions.set(nameOf(request), request.retentionMs)
      return store.accept(request)
    },
    async delete(id, options) {
      const outcome = await store.delete(id, options)
      if (outcome === 'deleted') note(id, { what: 'deleted', at: time.monotonic() })
      return outcome
    },
    async redrive(id, options) {
      const outcome = await store.redrive(id, options)
      const ofCompleted = options?.completed === true
      if (outcome === 'redriven') note(id, { what: 'redriven', ofCompleted, at: time.monotonic() })
      return outcome
    },
    async transact(id, leaseId, work) {
      const standing = await store.get(id)
      if (standing?.leaseId !== leaseId) return { status: 'fenced' }
      if (standing.state === 'completed') return { status: 'completed', completedAt: standing.settledAt! }
      const written: string[] = []
      const ledger: Ledger = { write: effect => void written.push(effect) }
      const result = await work(ledger)
      if (!(result instanceof Uint8Array)) throw new StoreError('no result', 'refused')
      const outcome = await complete(id, leaseId, result)
      if (outcome.status === 'completed') keyHistory(history, id).effects.push(...written)
      return outcome
    },
  }
}

/** Of an encoded response: after its version, the length of its head, and that. */
function bodyOf(result: Uint8Array): string {
  const bytes = Buffer.from(result)
  return bytes.subarray(5 + bytes.readUInt32BE(1)).toString()
}
