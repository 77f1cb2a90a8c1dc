import type { Metric, MetricObjectWithValues, MetricType, MetricValue } from 'prom-client'

type Values = (MetricValue<string> & { metricName?: string })[]

/**
 * A metric with at most two labels and plain numbers as cells. prom-client builds a string of the labels for each step,
 * which takes a microsecond: a delivery has ten steps and takes forty microseconds.
 */
abstract class LabelledMetric<Cell> {
  readonly name: string
  readonly help: string
  readonly type: MetricType
  readonly #labelNames: readonly string[]
  readonly #cells = new Map<string, Map<string, Cell>>()

  constructor(type: 'counter' | 'gauge' | 'histogram', name: string, help: string, labelNames: readonly string[]) {
    // The type of prom-client is a numeric enum, its text format has the word.
    this.type = type as unknown as MetricType
    this.name = name
    this.help = help
    this.#labelNames = labelNames
  }

  protected abstract newCell(): Cell
  protected abstract valuesOf(cell: Cell, labels: Record<string, string>): Values

  /** The cell of these label values, in the order of the label names. */
  of(first = '', second = ''): Cell {
    let row = this.#cells.get(first)
    if (row === undefined) {
      row = new Map()
      this.#cells.set(first, row)
    }
    let cell = row.get(second)
    if (cell === undefined) {
      cell = this.newCell()
      row.set(second, cell)
    }
    return cell
  }

  /** The cells of one value of the first label, by the value of the second. */
  row(first: string): ReadonlyMap<string, Cell> {
    return this.#cells.get(first) ?? new Map()
  }

  protected *cells(): Generator<Cell> {
    for (const row of this.#cells.values()) yield* row.values()
  }

  /** For the registry. */
  async get(): Promise<Pick<MetricObjectWithValues<MetricValue<string>>, 'name' | 'help' | 'type' | 'values'>> {
    const { name, help, type } = this
    const [one, two] = this.#labelNames
    const values: Values = []
    for (const [first, row] of this.#cells) {
      for (const [second, cell] of row) {
        const labels = { ...(one !== undefined && { [one]: first }), ...(two !== undefined && { [two]: second }) }
        values.push(...this.valuesOf(cell, labels))
      }
    }
    return { name, help, type, values }
  }

  /** A registry needs `get` only. */
  asMetric(): Metric {
    return this as unknown as Metric
  }
}

export interface Count {
  value: number
}

/** Counters and gauges. */
export class Counts extends LabelledMetric<Count> {
  protected newCell(): Count {
    return { value: 0 }
  }

  /** Over all labels. */
  sum(): number {
    let sum = 0
    for (const { value } of this.cells()) sum += value
    return sum
  }

  protected valuesOf({ value }: Count, labels: Record<string, string>): Values {
    return [{ value, labels }]
  }
}

export class Histograms extends LabelledMetric<Distribution> {
  readonly #bounds: readonly number[]

  constructor(name: string, help: string, bounds: readonly number[], labelNames: readonly string[]) {
    super('histogram', name, help, labelNames)
    this.#bounds = bounds
  }

  protected newCell(): Distribution {
    return new Distribution(this.#bounds)
  }

  protected valuesOf({ counts, sum }: Distribution, labels: Record<string, string>): Values {
    let count = 0
    const values: Values = [...this.#bounds, '+Inf'].map((le, i) => {
      count += counts[i]!
      return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count }
    })
    values.push({ metricName: `${this.name}_sum`, labels, value: sum })
    values.push({ metricName: `${this.name}_count`, labels, value: count })
    return values
  }
}

/** The number of values in each bucket; the last bucket has no upper bound. */
export class Distribution {
  readonly #bounds: readonly number[]
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    let at = 0
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++
    this.counts[at]!++
    this.sum += value
  }
}
