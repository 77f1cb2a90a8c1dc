/** Eight buckets per doubling: a quantile is accurate to a tenth, and counting costs one logarithm. */
const STEPS = 8
const MIN_MS = 0.01
const CELLS = 27 * STEPS

/** The latencies of deliveries in logarithmic buckets. */
export class LatencyHistogram {
  readonly #cells = new Uint32Array(CELLS)

  count(ms: number): void {
    const step = ms <= MIN_MS ? 0 : Math.ceil(Math.log2(ms / MIN_MS) * STEPS)
    this.#cells[Math.min(step, CELLS - 1)]!++
  }

  add(other: LatencyHistogram): void {
    for (let i = 0; i < CELLS; i++) this.#cells[i]! += other.#cells[i]!
  }

  clear(): void {
    this.#cells.fill(0)
  }

  /** In milliseconds; `null`: nothing was counted. */
  quantile(share: number): number | null {
    const total = this.#cells.reduce((sum, count) => sum + count, 0)
    if (total === 0) return null
    let left = Math.ceil(share * total)
    let step = 0
    while (left > this.#cells[step]!) left -= this.#cells[step++]!
    return Number((MIN_MS * 2 ** (step / STEPS)).toPrecision(3))
  }
}
