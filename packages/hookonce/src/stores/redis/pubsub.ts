import type { RedisClient, Subscriber } from './clients/client.js'

interface Watch {
  /** Scripts publish changes of marked records only. */
  isMarked: boolean
  wakes: Set<() => void>
  /** The server confirmed the subscription and the mark. */
  confirmed: boolean
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2_000

export type Watcher = ReturnType<typeof createWatcher>

/**
 * Watches channels over one connection, which the first watch makes. Each record has a channel of its own name, on which
 * scripts publish once `mark` has marked the record. While there is no connection no watch is woken; a new connection wakes
 * all.
 */
export function createWatcher(opening: Promise<RedisClient>, mark: (name: string) => Promise<unknown>) {
  const watches = new Map<string, Watch>()
  let connection: Subscriber | undefined
  let connecting = false
  let retryMs = FIRST_RETRY_MS
  let closed = false

  async function connect(): Promise<void> {
    if (connecting || closed) return
    connecting = true
    try {
      const client = await opening
      const subscriber: Subscriber = await client.subscriber(wake, () => disconnected(subscriber))
      if (closed) return subscriber.close()
      connection = subscriber
      retryMs = FIRST_RETRY_MS
    } catch {
      setTimeout(reconnect, retryMs).unref()
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
    } finally {
      connecting = false
    }
    for (const [name, watch] of watches) subscribe(name, watch)
  }

  function reconnect(): void {
    if (connection === undefined && watches.size > 0) void connect()
  }

  function disconnected(subscriber: Subscriber): void {
    if (connection !== subscriber) return
    connection = undefined
    for (const watch of watches.values()) watch.confirmed = false
    setTimeout(reconnect, FIRST_RETRY_MS).unref()
  }

  /** Wakes once both are confirmed, in any order: later changes are published, and earlier ones show in the record. */
  function subscribe(name: string, watch: Watch): void {
    const to = connection
    if (to === undefined) return
    Promise.all([to.subscribe(name), watch.isMarked && mark(name)]).then(
      () => {
        if (connection !== to || watches.get(name) !== watch) return
        watch.confirmed = true
        wake(name)
      },
      () => {}, // watchers poll as well
    )
  }

  function wake(name: string): void {
    for (const wake of watches.get(name)?.wakes ?? []) wake()
  }

  return {
    watch(name: string, wake: () => void, isMarked = true): () => void {
      if (closed) return () => {}
      // A new function, so that one callback can be given twice.
      const own = () => wake()
      const watch = watches.get(name) ?? { isMarked, wakes: new Set(), confirmed: false }
      watch.wakes.add(own)
      if (watches.size === watches.set(name, watch).size && watch.confirmed) queueMicrotask(own)
      else if (connection === undefined) void connect()
      else if (watch.wakes.size === 1) subscribe(name, watch)
      return () => {
        if (!watch.wakes.delete(own) || watch.wakes.size > 0 || watches.get(name) !== watch) return
        watches.delete(name)
        connection?.unsubscribe(name)
      }
    },

    close(): void {
      closed = true
      watches.clear()
      connection?.close()
      connection = undefined
    },
  }
}
