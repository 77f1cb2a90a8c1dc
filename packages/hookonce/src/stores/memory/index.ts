import { StoreError } from '../../errors.js'
import { type Clock, systemClock } from '../../util/clock.js'
import { checkOptions, methods } from '../../util/options.js'
import { type ClaimDueRequest, type DueClaim, type FailNext, type InboxStore, LOST_ERROR } from '../inbox-store.js'
import { MAX_ERROR_LENGTH, NEVER, type RecordId } from '../store.js'
import {
  acceptedEntry,
  acquired,
  copyOf,
  dueClaim,
  type Entry,
  lose,
  newEntry,
  remaining,
  setLease,
  settle,
  summaryOf,
  takeOver,
} from './entry.js'
import { Newest } from './newest.js'
import { Queue } from './queue.js'
import { createRecords } from './records.js'

/** Half of what a small container has, for a million records with small results. */
const MAX_BYTES_OF_A_SCOPE = 512 * 1024 ** 2

export interface MemoryStoreOptions {
  /** The store's clock. Default: the system's. */
  clock?: Clock
}

const RULES = { clock: methods('a clock', ['now', 'monotonic', 'after']) }

/**
 * A store in this process's memory: for tests, for development, and for a single process that may forget its
 * records when it ends. Expired records are removed as new claims arrive; no timer runs.
 *
 * @example
 * const receiver = createReceiver({ store: memoryStore() })
 */
export function memoryStore(options: MemoryStoreOptions = {}): InboxStore {
  checkOptions('memoryStore', options, RULES)
  const clock = options.clock ?? systemClock
  let records = createRecords()
  const queue = new Queue(id => records.dueAt(id))
  const watchers = new Set<{ scope: string; wake: () => void }>()
  let lastOrdinal = 0
  let lastToken = 0
  let closed = false

  const epoch = clock.now() - clock.monotonic()

  /** Milliseconds since the epoch, on a clock that never steps: the time when the store was made, and what passed since. */
  function enter(): number {
    if (closed) throw new StoreError('the memory store is closed', 'refused')
    return Math.floor(epoch + clock.monotonic())
  }

  /** Step 0 of every operation: an expired record is an absent one. */
  function lookUp(id: RecordId, at: number): Entry | undefined {
    const entry = records.find(id)
    return entry !== undefined && at < entry.expiresAt ? entry : undefined
  }

  /** One mark for the whole store: it outlives deleted and expired records and a clock that steps back. */
  function issueToken(at: number): string {
    lastToken = Math.max(lastToken + 1, Math.trunc(at * 1000))
    return String(lastToken)
  }

  /** What an answer that never came has taken. */
  function heldUnder({ scope, leaseId }: ClaimDueRequest, at: number): DueClaim[] {
    const entries = [...new Set(queue.keys(scope))].map(key => records.find({ scope, key }))
    const isHeld = (entry: Entry | undefined): entry is Entry =>
      entry?.state === 'running' && entry.leaseId === leaseId && remaining(entry, at) > 0
    return entries.filter(isHeld).map(entry => dueClaim(entry, false))
  }

  /** What is left to do for an accepted record whose attempt failed. */
  function retry(entry: Entry, next: FailNext, at: number): void {
    if (next === 'dead') {
      entry.state = 'dead'
      entry.expiresAt = at + entry.retentionMs
      queue.remove(entry)
    } else {
      if (next.notBegun) entry.accepted!.earlierAttempts++
      queue.schedule(entry, at + next.dueInMs)
    }
  }

  return {
    name: 'memory',
    maxStoredBytes: MAX_BYTES_OF_A_SCOPE,

    async claim(request) {
      const at = enter()
      records.sweep(at)
      const entry = lookUp(request, at)
      if (entry === undefined) {
        const created = newEntry(request, ++lastOrdinal, at, issueToken(at))
        records.add(created)
        return acquired(created, false)
      }
      if (entry.fingerprint !== null && request.fingerprint !== null && entry.fingerprint !== request.fingerprint) {
        return { status: 'mismatch' }
      }
      if (entry.state === 'completed') {
        return { status: 'completed', result: copyOf(entry.result!), completedAt: entry.settledAt! }
      }
      if (entry.state === 'running' && entry.leaseId === request.leaseId) {
        return acquired(entry, false)
      }
      const leaseRemainingMs = remaining(entry, at)
      if (leaseRemainingMs > 0) return { status: 'running', leaseRemainingMs }
      if (entry.state === 'dead') return { status: 'exhausted', losses: entry.losses }

      const tookOver = entry.state === 'running'
      const losses = entry.losses + (tookOver && entry.begun ? 1 : 0)
      if (losses >= request.maxLosses) return { status: 'exhausted', losses }
      const taken = records.takeOut(request)!
      if (tookOver) lose(taken)
      takeOver(taken, request, at, issueToken(at))
      if (taken.accepted) queue.schedule(taken, taken.leaseEndsAt)
      return acquired(taken, tookOver)
    },

    async renew(id, leaseId, leaseMs) {
      const at = enter()
      const entry = lookUp(id, at)
      if (entry?.leaseId !== leaseId || remaining(entry, at) === 0) return 'lost'
      setLease(entry, at, leaseMs)
      entry.begun = true
      if (entry.accepted) queue.schedule(entry, entry.leaseEndsAt)
      return 'renewed'
    },

    async complete(id, leaseId, result) {
      const at = enter()
      const entry = lookUp(id, at)
      if (entry?.leaseId !== leaseId || (entry.state !== 'running' && entry.state !== 'completed')) {
        return { status: 'fenced' }
      }
      if (entry.state === 'running') {
        if (entry.accepted) queue.remove(entry)
        const completed = { ...entry, result }
        settle(completed, 'completed', at)
        records.putAway(completed)
        return { status: 'completed', completedAt: at }
      }
      return { status: 'completed', completedAt: entry.settledAt! }
    },

    async fail(id, leaseId, error, next = { dueInMs: 0 }) {
      const at = enter()
      const entry = lookUp(id, at)
      if (entry?.leaseId !== leaseId || entry.state === 'completed' || entry.state === 'pending') return 'fenced'
      if (entry.state === 'running') {
        settle(entry, 'failed', at)
        entry.lastError = error.slice(0, MAX_ERROR_LENGTH)
        if (entry.accepted) retry(entry, next, at)
      }
      return 'failed'
    },

    async delete(id, { force = false } = {}) {
      const at = enter()
      const entry = lookUp(id, at)
      if (entry === undefined) return 'absent'
      if (remaining(entry, at) > 0 && !force) return 'running'
      records.forget(entry)
      if (entry.accepted) queue.remove(entry)
      return 'deleted'
    },

    async get(id) {
      const at = enter()
      const entry = lookUp(id, at)
      if (entry === undefined) return undefined
      const record = { ...summaryOf(entry, at), result: entry.result && copyOf(entry.result) }
      return entry.delivery ? { ...record, delivery: copyOf(entry.delivery) } : record
    },

    async list({ scope, state, label, accepted = false, since = 0, until = Number.POSITIVE_INFINITY, limit, after }) {
      const at = enter()
      const below = after === undefined ? Number.POSITIVE_INFINITY : /^\d+$/.test(after) ? Number(after) : Number.NaN
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || Number.isNaN(below)) {
        throw new StoreError("list: limit must be 1 to 1000 and after a page's next", 'refused')
      }
      const newest = new Newest<Entry>(limit)
      const isWanted = (ordinal: number) => ordinal < below && newest.wants(ordinal)
      const offer = (entry: Entry) => {
        const { createdAt } = entry
        if (scope !== undefined && entry.scope !== scope) return
        if (state !== undefined && entry.state !== state) return
        if (label !== undefined && entry.label !== label) return
        if (accepted && (entry.accepted === undefined || createdAt < since || createdAt >= until)) return
        newest.offer(entry)
      }
      for (const entry of records.unexpired(at, state, isWanted)) offer(entry)
      const page = newest.items()
      const summaries = page.map(entry => summaryOf(entry, at))
      return newest.more ? { records: summaries, next: String(page.at(-1)!.ordinal) } : { records: summaries }
    },

    async stats() {
      enter()
      return { records: records.size() }
    },

    async usage(scope) {
      return records.usage(scope, enter())
    },

    async purge(limit) {
      return records.purge(limit, enter())
    },

    async accept(request) {
      const at = enter()
      records.sweep(at)
      const entry = lookUp(request, at)
      if (entry === undefined) {
        const created = acceptedEntry(request, ++lastOrdinal, at)
        records.add(created)
        queue.schedule(created, at + request.delayMs)
        return { status: 'accepted', acceptedAt: at }
      }
      if (entry.fingerprint !== null && request.fingerprint !== null && entry.fingerprint !== request.fingerprint) {
        return { status: 'mismatch' }
      }
      const again = entry.state === 'pending' && entry.attempts === 0 && entry.leaseId === request.acceptId
      if (again) return { status: 'accepted', acceptedAt: entry.createdAt }
      return { status: 'known', state: entry.state, acceptedAt: entry.createdAt }
    },

    async claimDue(request) {
      const at = enter()
      const taken = request.again ? heldUnder(request, at) : []
      if (taken.length > 0) return taken
      while (taken.length < request.limit) {
        const key = queue.next(request.scope, at)
        if (key === undefined) break
        const entry = records.takeOut({ scope: request.scope, key })!
        const tookOver = entry.state === 'running'
        if (tookOver) lose(entry)
        if (entry.losses >= request.maxLosses) {
          settle(entry, 'dead', at)
          entry.lastError = LOST_ERROR
          queue.remove(entry)
          continue
        }
        takeOver(entry, { ...request, retentionMs: entry.retentionMs }, at, issueToken(at))
        entry.begun = false
        queue.schedule(entry, entry.leaseEndsAt)
        taken.push(dueClaim(entry, tookOver))
      }
      return taken
    },

    async redrive(id, { completed = false } = {}) {
      const at = enter()
      const entry = lookUp(id, at)
      if (entry?.accepted === undefined) return 'absent'
      if (entry.state === 'completed' && !completed) return 'completed'
      if (entry.state !== 'dead' && entry.state !== 'completed') return 'busy'
      const { accepted, attempts: earlierAttempts, delivery } = entry
      const anew: Entry = {
        ...entry,
        state: 'pending',
        losses: 0,
        settledAt: null,
        expiresAt: NEVER,
        result: null,
        delivery: copyOf(delivery!),
        accepted: { ...accepted, round: accepted.round + 1, earlierAttempts },
      }
      records.add(anew)
      queue.schedule(anew, at)
      return 'redriven'
    },

    async backlog(scope) {
      return queue.backlog(scope, enter())
    },

    announceDue(scope) {
      for (const watcher of watchers) if (watcher.scope === scope) queueMicrotask(watcher.wake)
    },

    watchDue(scope, wake) {
      const watcher = { scope, wake }
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },

    async ready() {
      enter()
    },

    async close() {
      closed = true
      records = createRecords()
    },
  }
}
