import { setTimeout as delay } from 'node:timers/promises'
import type { RecordId } from '../store.js'
import { within } from './connections.js'
import { Failure } from './errors.js'
import type { PostgresClient } from './pool.js'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
const LONGEST_PAUSE_READ_ONLY_MS = 200
/** A connection that was cut without a word, or leads to a server that was demoted, is noticed after so long at the latest. */
const PROBE_MS = 5_000
const MOST_AT_ONCE = 500

class ReadOnlyServer extends Error {}

/** A connection of the watching's own. */
export interface Listener {
  client: Omit<PostgresClient, 'release' | 'getTransactionStatus'>
  end(): void
}

interface Watched {
  id: RecordId
  wakes: Set<() => void>
}

export interface WatchingSettings {
  channel: { name: string; listen: string }
  timeoutMs: number
  connect(by: number): Promise<Listener>
  /** Makes whoever ends an attempt of these records say so. */
  mark(ids: RecordId[]): Promise<void>
}

/**
 * Wakes who watches a record when another process says that its attempt has ended. One connection listens, from the
 * first watch on. A record is marked only once it listens: what ends later is told, what ended earlier the wake shows.
 * What is due in a scope is told on the same channel, by the scope alone.
 */
export function createWatching({ channel, timeoutMs, connect, mark }: WatchingSettings) {
  const watches = new Map<string, Watched>()
  const unmarked = new Set<string>()
  const queues = new Set<{ scope: string; wake: () => void }>()
  let isKept = false
  let isClosed = false
  let isDoubted = false
  let somethingHappened = () => {}

  function wake(name: string): void {
    for (const call of watches.get(name)?.wakes ?? []) call()
  }

  function wakeQueues(scope?: string): void {
    for (const queue of queues) if (scope === undefined || queue.scope === scope) queue.wake()
  }

  function startKeeping(): void {
    if (isKept) somethingHappened()
    else {
      isKept = true
      keep()
    }
  }

  async function listen(): Promise<Listener & { isLost: boolean }> {
    const listener = { ...(await connect(performance.now() + timeoutMs)), isLost: false }
    const lose = () => {
      listener.isLost = true
      somethingHappened()
    }
    listener.client.on('error', lose)
    listener.client.on('end', lose)
    listener.client.on('notification', ({ channel: name, payload }: { channel: string; payload: string }) => {
      if (name !== channel.name) return
      const told = readNotification(payload)
      if (told === undefined) return
      const { scope, key } = told
      if (key === undefined) wakeQueues(scope)
      else wake(nameOf({ scope, key }))
    })
    try {
      await probe(listener)
      await ask(listener, channel.listen)
    } catch (error) {
      listener.end()
      throw error
    }
    return listener
  }

  /** @throws Error when nobody can be heard on this connection any more */
  async function probe(listener: Listener): Promise<void> {
    isDoubted = false
    const { rows } = await ask(listener, 'SHOW transaction_read_only')
    if (rows[0]?.transaction_read_only === 'on') throw new ReadOnlyServer()
  }

  function ask({ client }: Listener, query: string): ReturnType<PostgresClient['query']> {
    const late = () => new Failure(new Error('the listening connection gave no answer'), 'refused', true)
    return within(performance.now() + timeoutMs, client.query(query), late)
  }

  async function markSome(): Promise<void> {
    const names = [...unmarked].slice(0, MOST_AT_ONCE)
    await mark(names.flatMap(name => watches.get(name)?.id ?? []))
    for (const name of names) {
      unmarked.delete(name)
      wake(name)
    }
  }

  async function attend(listener: Listener & { isLost: boolean }): Promise<void> {
    let probeAt = performance.now() + PROBE_MS
    while (!listener.isLost && !isClosed) {
      // Before anything else: there may always be something to mark.
      if (isDoubted || performance.now() >= probeAt) {
        await probe(listener)
        probeAt = performance.now() + PROBE_MS
      } else if (unmarked.size > 0) await markSome()
      else await somethingOr(probeAt)
    }
  }

  function somethingOr(at: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, at - performance.now()).unref()
      somethingHappened = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Listens for as long as the store is open, on one connection after the other. */
  async function keep(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !isClosed; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      let listener: Awaited<ReturnType<typeof listen>> | undefined
      try {
        listener = await listen()
        pauseMs = FIRST_PAUSE_MS
        wakeQueues()
        await attend(listener)
      } catch (error) {
        // Who watches reads the record from time to time, so a watch may be late. A pool may keep more that lead there.
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
      startKeeping()
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
      startKeeping()
      return () => void queues.delete(queue)
    },

    /** Another connection led to a server that takes no writes. */
    doubt(): void {
      isDoubted = true
      somethingHappened()
    },

    close(): void {
      isClosed = true
      watches.clear()
      unmarked.clear()
      queues.clear()
      somethingHappened()
    },
  }
}

/** Whoever may connect to the database may notify: anything may stand there. */
function readNotification(payload: string): { scope: string; key?: string } | undefined {
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

function nameOf({ scope, key }: RecordId): string {
  return JSON.stringify([scope, key])
}
