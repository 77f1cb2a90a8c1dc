import { expect } from 'vitest'
import { send } from './http.js'

/** What `/metrics` shows at this moment. */
export class Scrape {
  readonly #samples = new Map<string, number>()
  /** Of metrics, those of histograms with their `_bucket`, `_sum` and `_count`. */
  readonly names = new Set<string>()

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, type] = /^# TYPE (\S+)/.exec(line) ?? []
      if (type !== undefined) this.names.add(type)
      const [, name, labels = '', value] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (name === undefined) continue
      this.names.add(name)
      this.#samples.set(`${name}{${labels.split(',').sort().join(',')}}`, Number(value))
    }
  }

  /** `undefined` if there is no such sample. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const flat = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    return this.#samples.get(`hookonce_${name}{${flat.sort().join(',')}}`)
  }

  /** Every value of a label, of all metrics of ours. */
  labelValues(label: string): Set<string> {
    const values = new Set<string>()
    for (const sample of this.#samples.keys()) {
      const value = new RegExp(`^hookonce_.*[{,]${label}="([^"]*)"`).exec(sample)?.[1]
      if (value !== undefined) values.add(value)
    }
    return values
  }
}

export async function scrape(url: string): Promise<Scrape> {
  const { status, text } = await send(`${url}/metrics`, { method: 'GET' })
  expect(status).toBe(200)
  return new Scrape(text)
}
