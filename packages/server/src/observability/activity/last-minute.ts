import type { DeliveryOutcome } from 'hookonce'
import { LatencyHistogram } from './latency-histogram.js'

const SECONDS = 60

interface Second {
  /** The second of the clock that it counts. */
  at: number
  byOutcome: Map<DeliveryOutcome, number>
  latencies: LatencyHistogram
}

/** The deliveries of the last minute. Times in milliseconds on a monotonic clock. */
export class LastMinute {
  readonly #since: number
  readonly #seconds: Second[] = Array.from({ length: SECONDS }, () => ({
    at: -1,
    byOutcome: new Map(),
    latencies: new LatencyHistogram(),
  }))

  constructor(now: number) {
    this.#since = now
  }

  /** `ms`: the duration; `undefined`: refused without the receiver. */
  count(outcome: DeliveryOutcome, ms: number | undefined, now: number): void {
    const at = Math.floor(now / 1000)
    const second = this.#seconds[at % SECONDS]!
    if (second.at !== at) {
      second.at = at
      second.byOutcome.clear()
      second.latencies.clear()
    }
    second.byOutcome.set(outcome, (second.byOutcome.get(outcome) ?? 0) + 1)
    if (ms !== undefined) second.latencies.count(ms)
  }

  snapshot(now: number) {
    const oldest = Math.floor(now / 1000) - SECONDS
    const byOutcome: Partial<Record<DeliveryOutcome, number>> = {}
    const latencies = new LatencyHistogram()
    let total = 0
    for (const second of this.#seconds) {
      if (second.at <= oldest) continue
      latencies.add(second.latencies)
      for (const [outcome, count] of second.byOutcome) {
        byOutcome[outcome] = (byOutcome[outcome] ?? 0) + count
        total += count
      }
    }
    const seconds = Math.min(SECONDS, Math.max(1, (now - this.#since) / 1000))
    const { executed = 0, accepted = 0, replayed = 0, joined = 0 } = byOutcome
    const hits = replayed + joined
    const processed = hits + executed + accepted
    return {
      seconds: Math.round(seconds),
      rate: Number((total / seconds).toFixed(2)),
      hit_rate: processed === 0 ? null : Number((hits / processed).toFixed(4)),
      by_outcome: byOutcome,
      p50_ms: latencies.quantile(0.5),
      p95_ms: latencies.quantile(0.95),
      p99_ms: latencies.quantile(0.99),
    }
  }
}
