/** Eight steps to a doubling: a quantile is right to within a tenth, and counting costs one logarithm. */
const STEPS = 8
const LEAST_MS = 0.01
const CELLS = 27 * STEPS

/** How long deliveries took, as counts of steps. */
export class Latencies {
  readonly #cells = new Uint32Array(CELLS)

  count(ms: number): void {
    const step = ms <= LEAST_MS ? 0 : Math.ceil(Math.log2(ms / LEAST_MS) * STEPS)
    this.#cells[Math.min(step, CELLS - 1)]!++
  }

  add(other: Latencies): void {
    for (let i = 0; i < CELLS; i++) this.#cells[i]! += other.#cells[i]!
  }

  clear(): void {
    this.#cells.fill(0)
  }

  /** In milliseconds; `null` where nothing was counted. */
  quantile(share: number): number | null {
    const total = this.#cells.reduce((sum, count) => sum + count, 0)
    if (total === 0) return null
    let left = Math.ceil(share * total)
    let step = 0
    while (left > this.#cells[step]!) left -= this.#cells[step++]!
    return Number((LEAST_MS * 2 ** (step / STEPS)).toPrecision(3))
  }
}
