import type { RedisClient, Subscriber } from './clients/client.js'

interface Watch {
  /** Scripts publish for what is marked only. */
  isMarked: boolean
  wakes: Set<() => void>
  /** The server confirmed the subscription and the mark. */
  confirmed: boolean
}

const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 2_000

/**
 * Who watches which record, over one connection that is made when the first watch begins. Each record has a channel of
 * its own name, on which scripts publish once `mark` has told them that somebody listens. Without a connection nobody
 * is woken, and everybody is once there is one again.
 */
export function createWatching(opening: Promise<RedisClient>, mark: (name: string) => Promise<unknown>) {
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
      const made: Subscriber = await client.subscriber(wake, () => lost(made))
      if (closed) return made.close()
      connection = made
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

  function lost(ended: Subscriber): void {
    if (connection !== ended) return
    connection = undefined
    for (const watch of watches.values()) watch.confirmed = false
    setTimeout(reconnect, FIRST_RETRY_MS).unref()
  }

  /** Subscribed and marked, in any order: only then can no change be missed, and is there anything to look at. */
  function subscribe(name: string, watch: Watch): void {
    const to = connection
    if (to === undefined) return
    Promise.all([to.subscribe(name), watch.isMarked && mark(name)]).then(
      () => {
        if (connection !== to || watches.get(name) !== watch) return
        watch.confirmed = true
        wake(name)
      },
      () => {}, // whoever watches reads the record from time to time too
    )
  }

  function wake(name: string): void {
    for (const wake of watches.get(name)?.wakes ?? []) wake()
  }

  return {
    watch(name: string, wake: () => void, isMarked = true): () => void {
      if (closed) return () => {}
      // A function of its own: one that is given twice is two watches.
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
