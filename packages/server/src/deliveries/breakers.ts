import { Breaker, systemClock } from 'hookonce'
import type { ResolvedConfig } from '../config/resolve.js'

/** By source in mode `inbox` that forwards. Sources that forward to the same URL share one. */
export function breakersOf({ sources }: Pick<ResolvedConfig, 'sources'>): Map<string, Breaker> {
  const byUrl = new Map<string, Breaker>()
  const bySource = new Map<string, Breaker>()
  for (const [name, { inbox, handle }] of sources) {
    if (inbox === undefined || typeof handle !== 'object' || handle.kind !== 'forward') continue
    const breaker = byUrl.get(handle.url) ?? new Breaker(systemClock)
    byUrl.set(handle.url, breaker)
    bySource.set(name, breaker)
  }
  return bySource
}
