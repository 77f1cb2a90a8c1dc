import type { Expectation } from '../oracle/expect.js'
import type { Run } from './ledger.js'

export type FaultKind =
  | 'ran unsigned'
  | 'ran twice'
  | 'never ran'
  | 'genuine refused'
  | 'foreign accepted'
  | 'wrong status'
  | 'no answer'
  | 'not HTTP'
  | 'connection held'
  | 'server ended'
  | 'memory'

export interface Fault {
  kind: FaultKind
  /** Of the request; `undefined`: of none alone. */
  number: number | undefined
  detail: string
}

/** Server errors that a request or the moment can be the reason of. All others are the server's own. */
const FAIR_ERRORS = new Set([501, 503, 505, 507, 508])

/** Knows what should have run, and compares. */
export class Judge {
  readonly faults: Fault[] = []
  /** By source and identity. */
  readonly #expected = new Map<string, { must: boolean; number: number }>()
  readonly #pending = new Set<string>()
  readonly #seen = new Map<string, Run[]>()

  /** Before it is sent. */
  expect({ verdict, run }: Expectation, number: number): void {
    if (run === undefined) return
    const name = nameOf(run.source.name, run.identity)
    const known = this.#expected.get(name)
    const must = verdict === 'must'
    if (known === undefined) this.#expected.set(name, { must, number })
    else if (must && !known.must) Object.assign(known, { must, number })
    if (must && !this.#seen.has(name)) this.#pending.add(name)
  }

  /** After it was answered. `undefined`: it was not. */
  answered({ verdict, method, delivers }: Expectation, status: number | undefined, number: number): void {
    if (status === undefined) {
      if (verdict === 'must') this.fault('no answer', number, 'to a genuine delivery')
      return
    }
    const success = status >= 200 && status < 300
    if (status >= 500 && !FAIR_ERRORS.has(status)) this.fault('wrong status', number, String(status))
    else if (verdict === 'must' && !success) this.fault('genuine refused', number, String(status))
    else if (verdict === 'never' && success && delivers && !['GET', 'HEAD', 'OPTIONS'].includes(method)) {
      this.fault('foreign accepted', number, String(status))
    }
  }

  /** All that has run by now. */
  look(runs: readonly Run[]): void {
    for (const run of runs) {
      const name = nameOf(run.source, run.identity)
      const before = this.#seen.get(name)
      if (before === undefined) this.#seen.set(name, [run])
      else before.push(run)
      this.#pending.delete(name)
    }
  }

  /** What must have run and has not. */
  get pending(): number {
    return this.#pending.size
  }

  get ran(): number {
    return this.#seen.size
  }

  /** At the end. */
  close(): void {
    for (const [name, runs] of this.#seen) {
      const expected = this.#expected.get(name)
      const number = runs.at(-1)!.number ?? expected?.number
      if (expected === undefined) this.fault('ran unsigned', number, `on ${name}`)
      if (runs.length > 1) {
        const how = runs.map(run => `request ${run.number}, attempt ${run.attempt}, key ${run.key}`).join('; ')
        this.fault('ran twice', number, `on ${name}: ${how}`)
      }
    }
    for (const name of this.#pending) this.fault('never ran', this.#expected.get(name)!.number, `on ${name}`)
  }

  fault(kind: FaultKind, number: number | undefined, detail: string): void {
    this.faults.push({ kind, number, detail })
  }
}

const nameOf = (source: string, identity: string): string => `${source} ${identity}`
