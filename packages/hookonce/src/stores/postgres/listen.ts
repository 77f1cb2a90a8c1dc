import { setTimeout as delay } from 'node:timers/promises'
import type { RecordId } from '../store.js'
import { within } from './connections.js'
import { Failure } from './errors.js'
import type { PostgresClient } from './pool.js'
import { nameOf } from './rows.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
const LONGEST_PAUSE_READ_ONLY_MS = 200
/** The interval of probes, which detect a dead connection and a server that became a replica. */
const PROBE_INTERVAL_MS = 5_000
const MOST_MARKED_AT_ONCE = 500

class ReadOnlyServer extends Error {}

/** The connection that listens. */
export interface Listener {
  client: Omit<PostgresClient, 'release' | 'getTransactionStatus'>
  end(): void
}

interface Watched {
  id: RecordId
  wakes: Set<() => void>
}

export interface WatcherOptions {
  channel: { name: string; listen: string }
  timeoutMs: number
  connect(by: number): Promise<Listener>
  /** Has the end of each attempt of these records notified. */
  mark(ids: RecordId[]): Promise<void>
}

/**
 * Wakes the watches of a record when its attempt ends in any process. One connection listens, from the first watch on. Once
 * it listens, a record is marked and its watches are woken: later ends are notified, and an earlier one shows in the record.
 * A notification without a key says that something in the scope is due.
 */
export function createWatcher({ channel, timeoutMs, connect, mark }: WatcherOptions) {
  const watches = new Map<string, Watched>()
  const unmarked = new Set<string>()
  const queues = new Set<{ scope: string; wake: () => void }>()
  let isRunning = false
  let isClosed = false
  let isProbeDue = false
  let wakeLoop = () => {}

  function wake(name: string): void {
    for (const call of watches.get(name)?.wakes ?? []) call()
  }

  function wakeQueues(scope?: string): void {
    for (const queue of queues) if (scope === undefined || queue.scope === scope) queue.wake()
  }

  function startOrWakeLoop(): void {
    if (isRunning) wakeLoop()
    else {
      isRunning = true
      run()
    }
  }

  async function listen(): Promise<Listener & { isLost: boolean }> {
    const listener = { ...(await connect(performance.now() + timeoutMs)), isLost: false }
    const onLost = () => {
      listener.isLost = true
      wakeLoop()
    }
    listener.client.on('error', onLost)
    listener.client.on('end', onLost)
    listener.client.on('notification', ({ channel: name, payload }: { channel: string; payload: string }) => {
      if (name !== channel.name) return
      const notification = parseNotification(payload)
      if (notification === undefined) return
      const { scope, key } = notification
      if (key === undefined) wakeQueues(scope)
      else wake(nameOf({ scope, key }))
    })
    try {
      await probe(listener)
      await query(listener, channel.listen)
    } catch (error) {
      listener.end()
      throw error
    }
    return listener
  }

  /** @throws Error if the connection cannot receive notifications */
  async function probe(listener: Listener): Promise<void> {
    isProbeDue = false
    const { rows } = await query(listener, 'SHOW transaction_read_only')
    if (rows[0]?.transaction_read_only === 'on') throw new ReadOnlyServer()
  }

  function query({ client }: Listener, text: string): ReturnType<PostgresClient['query']> {
    const lateError = () => new Failure(new Error('the listening connection gave no answer'), 'refused', true)
    return within(performance.now() + timeoutMs, client.query(text), lateError)
  }

  async function markBatch(): Promise<void> {
    const names = [...unmarked].slice(0, MOST_MARKED_AT_ONCE)
    await mark(names.flatMap(name => watches.get(name)?.id ?? []))
    for (const name of names) {
      unmarked.delete(name)
      wake(name)
    }
  }

  /** Probes and marks until the connection is lost. */
  async function serve(listener: Listener & { isLost: boolean }): Promise<void> {
    let probeAt = performance.now() + PROBE_INTERVAL_MS
    while (!listener.isLost && !isClosed) {
      // Probes come first, because there may always be records to mark.
      if (isProbeDue || performance.now() >= probeAt) {
        await probe(listener)
        probeAt = performance.now() + PROBE_INTERVAL_MS
      } else if (unmarked.size > 0) await markBatch()
      else await wakeOrTime(probeAt)
    }
  }

  function wakeOrTime(at: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, at - performance.now()).unref()
      wakeLoop = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Listens until the store is closed, on a new connection after each lost one. */
  async function run(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !isClosed; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      let listener: Awaited<ReturnType<typeof listen>> | undefined
      try {
        listener = await listen()
        pauseMs = FIRST_PAUSE_MS
        wakeQueues()
        await serve(listener)
      } catch (error) {
        // Watchers poll as well, so a wake may be late. After a failover the pool may have more connections to the replica.
        if (error instanceof ReadOnlyServer) pauseMs = Math.min(pauseMs, LONGEST_PAUSE_READ_ONLY_MS)
      } finally {
        listener?.end()
      }
      for (const name of watches.keys()) unmarked.add(name)
      if (!isClosed) await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { ref: false })
    }
  }

  return {
    watch(id: RecordId, wakeUp: () => void): () => void {
      const name = nameOf(id)
      const watched = watches.get(name) ?? { id: { scope: id.scope, key: id.key }, wakes: new Set() }
      const call = () => wakeUp()
      watched.wakes.add(call)
      watches.set(name, watched)
      unmarked.add(name)
      startOrWakeLoop()
      return () => {
        watched.wakes.delete(call)
        if (watched.wakes.size > 0 || watches.get(name) !== watched) return
        watches.delete(name)
        unmarked.delete(name)
      }
    },

    watchDue(scope: string, wakeUp: () => void): () => void {
      const queue = { scope, wake: () => wakeUp() }
      queues.add(queue)
      startOrWakeLoop()
      return () => void queues.delete(queue)
    },

    /** Probes now, because another connection led to a read-only server. */
    probeNow(): void {
      isProbeDue = true
      wakeLoop()
    },

    close(): void {
      isClosed = true
      watches.clear()
      unmarked.clear()
      queues.clear()
      wakeLoop()
    },
  }
}

/** Validates the payload, because any user of the database can notify the channel. */
function parseNotification(payload: string): { scope: string; key?: string } | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(payload)
  } catch {
    return undefined
  }
  if (!Array.isArray(parsed)) return undefined
  const [scope, key] = parsed as unknown[]
  if (typeof scope !== 'string') return undefined
  if (key === undefined) return { scope }
  return typeof key === 'string' ? { scope, key } : undefined
}
