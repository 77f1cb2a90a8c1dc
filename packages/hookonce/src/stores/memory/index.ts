import { StoreError } from '../../errors.js'
import { type Clock, systemClock } from '../../util/clock.js'
import { checkOptions, methods } from '../../util/options.js'
import { type DueClaim, type InboxStore, LOST_ERROR } from '../inbox-store.js'
import {
  asFailure,
  decideAccept,
  decideClaim,
  decideComplete,
  decideFail,
  decideRedrive,
  lossesOf,
  remainingLease,
} from '../rules.js'
import type { RecordSummary } from '../store.js'
import { DueQueue } from './due-queue.js'
import { copyOf, MemoryRecord } from './record.js'
import { Records } from './records.js'

export { type MemoryJournalOptions, memoryJournal } from './journal.js'

/** Half of what a small container has. */
const MAX_BYTES_OF_A_SCOPE = 512 * 1024 ** 2
/** A page ends after so many records, whatever it has found: some ten milliseconds' work. */
const MOST_PER_PAGE = 100_000

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
  let records = new Records()
  let queue = new DueQueue()
  const watchers = new Set<{ scope: string; wake: () => void }>()
  let lastOrdinal = 0
  let lastToken = 0
  let closed = false

  const epoch = clock.now() - clock.monotonic()

  /** Milliseconds since the epoch on a clock that never steps: when the store was made, and what has passed since. */
  function enter(): number {
    if (closed) throw new StoreError('the memory store is closed', 'refused')
    return Math.floor(epoch + clock.monotonic())
  }

  /** One counter for all keys rises over deletion, expiry, and a clock that steps back. */
  function issueToken(now: number): string {
    lastToken = Math.max(lastToken + 1, now * 1000)
    return String(lastToken)
  }

  function add(record: MemoryRecord): void {
    records.add(record)
    if (record.accepted) queue.update(record)
  }

  function update(record: MemoryRecord): void {
    records.update(record)
    if (record.accepted) queue.update(record)
  }

  return {
    name: 'memory',
    maxStoredBytes: MAX_BYTES_OF_A_SCOPE,

    async claim(request) {
      const now = enter()
      records.sweep(now)
      const record = records.find(request, now)
      if (record === undefined) {
        const claimed = new MemoryRecord(request, ++lastOrdinal, now)
        claimed.start(request, now, issueToken(now))
        add(claimed)
        return claimed.acquired(false)
      }
      const decision = decideClaim(record, request, now)
      switch (decision) {
        case 'mismatch':
          return { status: decision }
        case 'completed':
          return { status: decision, result: copyOf(record.result!), completedAt: record.settledAt! }
        case 'acquired':
          return record.acquired(false)
        case 'running':
          return { status: decision, leaseRemainingMs: remainingLease(record, now) }
        case 'exhausted':
          return { status: decision, losses: lossesOf(record) }
      }
      const tookOver = record.state === 'running'
      if (tookOver) record.lose()
      record.start(request, now, issueToken(now))
      update(record)
      return record.acquired(tookOver)
    },

    async renew(id, leaseId, leaseMs) {
      const now = enter()
      const record = records.find(id, now)
      if (record?.leaseId !== leaseId || remainingLease(record, now) === 0) return 'lost'
      record.extendLease(leaseMs, now)
      update(record)
      return 'renewed'
    },

    async complete(id, leaseId, result) {
      const now = enter()
      const record = records.find(id, now)
      const decision = decideComplete(record, leaseId)
      if (decision === 'fenced') return { status: 'fenced' }
      if (decision === 'completed') return { status: 'completed', completedAt: record!.settledAt! }
      record!.complete(result, now)
      update(record!)
      return { status: 'completed', completedAt: now }
    },

    async fail(id, leaseId, failure, next = { dueInMs: 0 }) {
      const now = enter()
      const record = records.find(id, now)
      const decision = decideFail(record, leaseId)
      if (decision !== undefined) return decision
      record!.fail(asFailure(failure), next, now)
      update(record!)
      return 'failed'
    },

    async delete(id, { force = false } = {}) {
      const now = enter()
      const record = records.find(id, now)
      if (record === undefined) return 'absent'
      if (remainingLease(record, now) > 0 && !force) return 'running'
      records.remove(record)
      if (record.accepted) {
        record.accepted.dueAt = null
        queue.update(record)
      }
      return 'deleted'
    },

    async get(id) {
      const now = enter()
      const record = records.find(id, now)
      return record?.stored(now)
    },

    async list({ scope, state, label, accepted = false, since = 0, until = Number.POSITIVE_INFINITY, limit, after }) {
      const now = enter()
      const below = after === undefined ? Number.POSITIVE_INFINITY : /^\d+$/.test(after) ? Number(after) : Number.NaN
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || Number.isNaN(below)) {
        throw new StoreError("list: limit must be 1 to 1000 and after a page's next", 'refused')
      }
      const page: RecordSummary[] = []
      let last = below
      let passed = 0
      for (const record of records.before(below)) {
        if (passed++ === MOST_PER_PAGE) return { records: page, next: String(last) }
        const { createdAt } = record
        const isWanted =
          now < record.expiresAt &&
          (scope === undefined || record.scope === scope) &&
          (state === undefined || record.state === state) &&
          (label === undefined || record.label === label) &&
          (!accepted || (record.accepted !== undefined && createdAt >= since && createdAt < until))
        if (isWanted && page.length === limit) return { records: page, next: String(last) }
        if (isWanted) page.push(record.summary(now))
        last = record.ordinal
      }
      return { records: page }
    },

    async stats() {
      enter()
      return { records: records.size }
    },

    async usage(scope) {
      return records.usage(scope, enter())
    },

    async purge(limit) {
      return records.purge(limit, enter())
    },

    async accept(request) {
      const now = enter()
      records.sweep(now)
      const record = records.find(request, now)
      if (record === undefined) {
        add(new MemoryRecord(request, ++lastOrdinal, now))
        return { status: 'accepted', acceptedAt: now }
      }
      const status = decideAccept(record, request)
      if (status === 'mismatch') return { status }
      if (status === 'accepted') return { status, acceptedAt: record.createdAt }
      return { status, state: record.state, acceptedAt: record.createdAt }
    },

    async claimDue({ scope, limit, maxLosses, again = false, ...attempt }) {
      const now = enter()
      const taken: DueClaim[] = []
      if (again) {
        for (const record of queue.records(scope)) {
          const isHeld = record.leaseId === attempt.leaseId && remainingLease(record, now) > 0
          if (isHeld) taken.push(record.dueClaim(false))
        }
        if (taken.length > 0) return taken
      }
      while (taken.length < limit) {
        const record = queue.first(scope, now)
        if (record === undefined) break
        const tookOver = record.state === 'running'
        if (tookOver) record.lose()
        if (record.losses >= maxLosses) record.die(LOST_ERROR, now)
        else {
          record.start(attempt, now, issueToken(now))
          record.begun = false
          taken.push(record.dueClaim(tookOver))
        }
        update(record)
      }
      return taken
    },

    async redrive(id, options = {}) {
      const now = enter()
      const record = records.find(id, now)
      if (record?.accepted === undefined) return 'absent'
      const decision = decideRedrive(record, options)
      if (decision === 'redriven') record.redrive(now)
      if (decision === 'due') record.accepted.dueAt = Math.min(record.accepted.dueAt!, now)
      update(record)
      return decision
    },

    async backlog(scope) {
      const now = enter()
      return { ...queue.backlog(scope, now), dead: records.countDead(scope, now) }
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
      records = new Records()
      queue = new DueQueue()
    },
  }
}
