import type { AttemptEndKind, DeliveryOutcome } from 'hookonce'

/** What one source did in a span of time, as JSON keeps it. */
export interface Counts {
  /** Deliveries. */
  outcomes: Partial<Record<DeliveryOutcome, number>>
  /** Attempts that ended. */
  attempts: Partial<Record<AttemptEndKind, number>>
  /** Deliveries by the cell of {@link cellOf}. */
  latencies: Record<number, number>
}

export const noCounts = (): Counts => ({ outcomes: {}, attempts: {}, latencies: {} })

/** Two cells a doubling, so that a quantile is right within a fifth. */
const CELLS_PER_DOUBLING = 2
const MIN_MS = 0.01
const LAST_CELL = 27 * CELLS_PER_DOUBLING

/** The cell of a logarithmic scale. */
const cellOf = (ms: number): number =>
  ms <= MIN_MS ? 0 : Math.min(LAST_CELL, Math.ceil(Math.log2(ms / MIN_MS) * CELLS_PER_DOUBLING))

/** `ms`: the duration; `undefined`: refused without the receiver. */
export function countDelivery({ outcomes, latencies }: Counts, outcome: DeliveryOutcome, ms: number | undefined): void {
  increase(outcomes, outcome, 1)
  if (ms !== undefined) increase(latencies, cellOf(ms), 1)
}

export function countAttempt({ attempts }: Counts, end: AttemptEndKind): void {
  increase(attempts, end, 1)
}

export function addCounts(sum: Counts, counts: Counts): void {
  addAll(sum.outcomes, counts.outcomes)
  addAll(sum.attempts, counts.attempts)
  addAll(sum.latencies, counts.latencies)
}

function addAll(sums: Record<string, number>, counts: Record<string, number>): void {
  for (const name in counts) increase(sums, name, counts[name]!)
}

function increase(counts: Record<string | number, number>, name: string | number, by: number): void {
  counts[name] = (counts[name] ?? 0) + by
}

/** How many deliveries had one of the outcomes; by default all. */
export function deliveriesOf({ outcomes }: Counts, which?: readonly DeliveryOutcome[]): number {
  const counts = which === undefined ? Object.values(outcomes) : which.map(outcome => outcomes[outcome] ?? 0)
  return counts.reduce((sum, count) => sum + count, 0)
}

/** In milliseconds, the middle of its cell; `null`: nothing was counted. */
export function quantile({ latencies }: Counts, share: number): number | null {
  // Integer names come in ascending order.
  const cells = Object.entries(latencies)
  let left = Math.ceil(share * cells.reduce((sum, [, count]) => sum + count, 0))
  for (const [cell, count] of cells) {
    left -= count
    if (left <= 0) return Number((MIN_MS * 2 ** ((Number(cell) - 0.5) / CELLS_PER_DOUBLING)).toPrecision(3))
  }
  return null
}
