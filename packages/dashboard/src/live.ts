import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { followStream, type StreamState } from './api/stream'
import type { Overview, SeenDelivery } from './api/types'

export interface Live {
  state: StreamState
  overview: Overview | undefined
  /** Newest first. */
  deliveries: SeenDelivery[]
}

const LISTED_DELIVERIES = 20

const NOTHING: Live = { state: 'connecting', overview: undefined, deliveries: [] }

export const LiveContext = createContext<Live>(NOTHING)

export const useLive = () => useContext(LiveContext)

/** What the server says of itself while the page is open. */
export function useStream(): Live {
  const [live, setLive] = useState(NOTHING)
  useEffect(
    () =>
      followStream({
        onState: state => setLive(live => ({ ...live, state })),
        onOverview: overview => setLive(live => ({ ...live, overview })),
        onDeliveries: arrived =>
          setLive(live => ({
            ...live,
            deliveries: [...arrived.toReversed(), ...live.deliveries].slice(0, LISTED_DELIVERIES),
          })),
      }),
    [],
  )
  return live
}
