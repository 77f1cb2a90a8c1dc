import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { followStream, type StreamState } from './api/stream'
import type { Overview, SeenDelivery } from './api/types'
import { kindOf } from './outcomes'
import { sumKnown } from './sum-known'

/** One moment of the charts. Counts are per second. */
export interface Sample {
  /** Seconds. */
  at: number
  first: number
  duplicate: number
  problem: number
  p50: number | null
  p95: number | null
  p99: number | null
  inFlight: number
  waiters: number
  pending: number | null
}

export interface Live {
  state: StreamState
  overview: Overview | undefined
  /** Oldest first. */
  samples: Sample[]
  /** Newest first. */
  deliveries: SeenDelivery[]
}

export const CHARTED_SECONDS = 300
const LISTED_DELIVERIES = 20

const NOTHING: Live = { state: 'connecting', overview: undefined, samples: [], deliveries: [] }

export const LiveContext = createContext<Live>(NOTHING)

export const useLive = () => useContext(LiveContext)

/** What the server says of itself while the page is open. */
export function useStream(): Live {
  const [live, setLive] = useState(NOTHING)
  useEffect(
    () =>
      followStream({
        onState: state => setLive(live => ({ ...live, state })),
        onOverview: overview => setLive(live => withOverview(live, overview)),
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

function withOverview(live: Live, overview: Overview): Live {
  const before = live.overview?.since === overview.since ? live.overview : undefined
  // Another process has begun to count anew.
  const samples = before === undefined ? [] : live.samples
  const oldest = Date.parse(overview.at) / 1000 - CHARTED_SECONDS
  return {
    ...live,
    overview,
    samples: [...samples.filter(({ at }) => at >= oldest), sampleOf(overview, before)],
  }
}

function sampleOf(overview: Overview, before: Overview | undefined): Sample {
  const { window, in_flight, waiters, inbox } = overview
  const counts = countsOf(overview)
  const earlier = before === undefined ? counts : countsOf(before)
  const seconds = before === undefined ? 1 : Math.max(0.1, (Date.parse(overview.at) - Date.parse(before.at)) / 1000)
  const perSecond = (kind: keyof typeof counts) => (counts[kind] - earlier[kind]) / seconds
  return {
    at: Date.parse(overview.at) / 1000,
    first: perSecond('first'),
    duplicate: perSecond('duplicate'),
    problem: perSecond('problem'),
    p50: window.p50_ms,
    p95: window.p95_ms,
    p99: window.p99_ms,
    inFlight: in_flight,
    waiters,
    pending: sumKnown(Object.values(inbox).map(({ pending }) => pending)),
  }
}

function countsOf({ totals }: Overview) {
  const counts = { first: 0, duplicate: 0, problem: 0 }
  for (const outcomes of Object.values(totals)) {
    for (const [outcome, count] of Object.entries(outcomes)) counts[kindOf(outcome)] += count
  }
  return counts
}
