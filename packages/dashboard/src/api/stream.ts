import { getSession, loggedOut, serverUrl } from './client'
import type { Overview, SeenDelivery } from './types'

export type StreamState = 'connecting' | 'live' | 'reconnecting'

interface StreamListener {
  onState(state: StreamState): void
  onOverview(overview: Overview): void
  /** Newest last. */
  onDeliveries(deliveries: SeenDelivery[]): void
}

const RETRY_MS = 2000

/** Follows the server's events until it is told to stop; comes back by itself when they break off. */
export function followStream(listener: StreamListener): () => void {
  let source: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let stopped = false

  function connect() {
    source = new EventSource(serverUrl('api/stream'))
    source.onopen = () => listener.onState('live')
    source.onerror = () => {
      listener.onState('reconnecting')
      // The browser tries again by itself, except after an answer that was no stream: it hides which.
      if (source?.readyState === EventSource.CLOSED) void comeBack()
    }
    source.addEventListener('overview', event => listener.onOverview(JSON.parse(event.data) as Overview))
    source.addEventListener('delivery', event => listener.onDeliveries(JSON.parse(event.data) as SeenDelivery[]))
  }

  async function comeBack() {
    const session = await getSession().catch(() => undefined)
    if (stopped) return
    if (session?.logged_in === false) loggedOut.dispatchEvent(new Event('loggedout'))
    else retry = setTimeout(connect, RETRY_MS)
  }

  connect()
  return () => {
    stopped = true
    clearTimeout(retry)
    source?.close()
  }
}
