import type { AttemptEndKind, DeliveryOutcome } from 'hookonce'
import { LatencyHistogram } from './latency-histogram.js'

const SECONDS = 60

interface Second {
  /** The second of the clock that it counts. */
  at: number
  byOutcome: Map<DeliveryOutcome, number>
  byEnd: Map<AttemptEndKind, number>
  latencies: LatencyHistogram
}

/** The deliveries and attempts of the last minute. Times in milliseconds on a monotonic clock. */
export class LastMinute {
  readonly #since: number
  readonly #seconds: Second[] = Array.from({ length: SECONDS }, () => ({
    at: -1,
    byOutcome: new Map(),
    byEnd: new Map(),
    latencies: new LatencyHistogram(),
  }))

  constructor(now: number) {
    this.#since = now
  }

  /** `ms`: the duration; `undefined`: refused without the receiver. */
  count(outcome: DeliveryOutcome, ms: number | undefined, now: number): void {
    const second = this.#secondOf(now)
    add(second.byOutcome, outcome, 1)
    if (ms !== undefined) second.latencies.count(ms)
  }

  countAttempt(end: AttemptEndKind, now: number): void {
    add(this.#secondOf(now).byEnd, end, 1)
  }

  #secondOf(now: number): Second {
    const at = Math.floor(now / 1000)
    const second = this.#seconds[at % SECONDS]!
    if (second.at !== at) {
      second.at = at
      second.byOutcome.clear()
      second.byEnd.clear()
      second.latencies.clear()
    }
    return second
  }

  snapshot(now: number) {
    const oldest = Math.floor(now / 1000) - SECONDS
    const byOutcome = new Map<DeliveryOutcome, number>()
    const byEnd = new Map<AttemptEndKind, number>()
    const latencies = new LatencyHistogram()
    for (const second of this.#seconds) {
      if (second.at <= oldest) continue
      latencies.add(second.latencies)
      for (const [outcome, count] of second.byOutcome) add(byOutcome, outcome, count)
      for (const [end, count] of second.byEnd) add(byEnd, end, count)
    }
    const seconds = Math.min(SECONDS, Math.max(1, (now - this.#since) / 1000))
    const of = (...outcomes: DeliveryOutcome[]) => sum(outcomes.map(outcome => byOutcome.get(outcome) ?? 0))
    const hits = of('replayed', 'joined')
    const processed = hits + of('executed', 'accepted')
    return {
      seconds: Math.round(seconds),
      rate: Number((sum([...byOutcome.values()]) / seconds).toFixed(2)),
      hit_rate: processed === 0 ? null : Number((hits / processed).toFixed(4)),
      by_outcome: Object.fromEntries(byOutcome) as Partial<Record<DeliveryOutcome, number>>,
      attempts: Object.fromEntries(byEnd) as Partial<Record<AttemptEndKind, number>>,
      p50_ms: latencies.quantile(0.5),
      p95_ms: latencies.quantile(0.95),
      p99_ms: latencies.quantile(0.99),
    }
  }
}

function add<Name>(counts: Map<Name, number>, name: Name, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count)
}

const sum = (counts: number[]): number => counts.reduce((sum, count) => sum + count, 0)
