import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '../events.js'
import { bytesOf, draftOf } from '../message.js'
import { type Expectation, type Expected, expectationsOf } from '../oracle/expect.js'
import { type Shot, shotOf } from '../plan.js'
import type { WireAnswer } from './answers.js'
import { type Fault, Judge } from './judge.js'
import { Lane } from './lane.js'
import type { Ledger } from './ledger.js'

/** The receiver that is fuzzed. */
export interface Target {
  port: number
  /** Whether it is the process that was started. */
  isAlive(): boolean
  residentMiB(): number
  /** Of its inboxes: how many deliveries are still to run. */
  pending(): Promise<number>
}

export interface FuzzOptions {
  target: Target
  ledger: Pick<Ledger, 'runs'>
  seed: number
  /** How many are sent, with every copy. */
  requests: number
  /** One number alone, after what it needs. */
  only?: number
  /** How many connections are used at once. Default 24. */
  lanes?: number
  /** The most by which resident memory may grow after the first tenth. Default 128. */
  growthMiB?: number
  /** What has not run after so long without any run never will. Default 10,000. */
  patienceMs?: number
  /** Told every few seconds. */
  onProgress?: (progress: Progress) => void
}

export interface Progress {
  sent: number
  faults: number
  residentMiB: number
}

export interface Report {
  faults: Fault[]
  /** Requests, with every copy. */
  sent: number
  /** By verdict. */
  verdicts: Record<Expectation['verdict'], number>
  statuses: Map<number, number>
  /** How many contents ran. */
  ran: number
  seconds: number
  memory: { before: number; most: number; after: number }
  /** When a number was sent, in ms since the epoch: it is the same again if it is made for then. */
  sentAt: Map<number, number>
}

/** More faults than this say nothing new. */
const MOST_FAULTS = 50

/** How often a delivery that must be taken is sent again when there was no room for it, as its sender would. */
const TRIES = 6

const LOOK_EVERY_MS = 3_000

const NOT_NOW = new Set([409, 429, 503])

/** What no request could be read from. */
const UNREADABLE: Expectation = { verdict: 'never', method: 'POST', run: undefined, event: undefined, delivers: true }

/** Sends mutated requests and compares what runs with what may. */
export async function fuzz(options: FuzzOptions): Promise<Report> {
  const run = new FuzzRun(options)
  return run.run()
}

/** Node answers what it cannot read at once, before it has answered what came earlier; that is then without an answer. */
function withoutEarly(answers: WireAnswer[], requests: number): void {
  if (answers.length <= requests && [400, 408, 431].includes(answers.at(-1)?.status ?? 0)) answers.pop()
}

class FuzzRun {
  readonly #options: FuzzOptions
  readonly #judge = new Judge()
  readonly #verdicts = { must: 0, may: 0, never: 0 }
  readonly #statuses = new Map<number, number>()
  readonly #sentAt = new Map<number, number>()
  readonly #spare: Lane[] = []
  #sent = 0
  #looked = 0
  #next = 0

  constructor(options: FuzzOptions) {
    this.#options = options
  }

  async run(): Promise<Report> {
    const { target, only, lanes = 24, requests, growthMiB = 128 } = this.#options
    const began = performance.now()
    const memory = { before: target.residentMiB(), most: 0, after: 0 }
    let settled = memory.before
    const watch = setInterval(() => {
      const residentMiB = target.residentMiB()
      memory.most = Math.max(memory.most, residentMiB)
      if (this.#sent < requests / 10) settled = memory.most
      this.#options.onProgress?.({ sent: this.#sent, faults: this.#judge.faults.length, residentMiB })
    }, LOOK_EVERY_MS)
    try {
      if (only === undefined) await Promise.all(Array.from({ length: lanes }, () => this.#work()))
      else await this.#alone(only)
      const seconds = (performance.now() - began) / 1_000
      await this.#settle()
      this.#judge.close()
      memory.after = target.residentMiB()
      memory.most = Math.max(memory.most, memory.after)
      if (memory.after > settled + growthMiB) {
        const grown = `${settled.toFixed()} MiB after a tenth of the requests, ${memory.after.toFixed()} at the end`
        this.#judge.fault('memory', undefined, grown)
      }
      if (!target.isAlive()) this.#judge.fault('server ended', undefined, 'before the end')
      return {
        faults: this.#judge.faults,
        sent: this.#sent,
        verdicts: this.#verdicts,
        statuses: this.#statuses,
        ran: this.#judge.ran,
        seconds,
        memory,
        sentAt: this.#sentAt,
      }
    } finally {
      clearInterval(watch)
      for (const lane of this.#spare) lane.close()
    }
  }

  async #work(): Promise<void> {
    const { requests, target } = this.#options
    while (this.#sent < requests && this.#judge.faults.length < MOST_FAULTS && target.isAlive())
      await this.#shoot(this.#next++)
  }

  async #alone(number: number): Promise<void> {
    const { earlier } = shotOf(this.#options.seed, number, Date.now())
    for (const event of earlier) await this.#deliver(event, number)
    await this.#shoot(number)
  }

  async #shoot(number: number): Promise<void> {
    const now = Date.now()
    const shot = shotOf(this.#options.seed, number, now)
    this.#sentAt.set(number, now)
    const expected = expectationsOf(shot.bytes, shot.events, now)
    if (shot.ending !== undefined) {
      // What is cut off may have been taken.
      for (const request of expected.requests) if (request.verdict === 'must') request.verdict = 'may'
    }
    for (const request of expected.requests) this.#judge.expect(request, number)
    await Promise.all(Array.from({ length: shot.copies }, () => this.#send(shot, expected)))
    this.#look()
  }

  async #send(
    { number, bytes, pieces, ending }: Shot,
    { requests, rest, isDoubtful, goesOn }: Expected,
  ): Promise<void> {
    const methods = requests.map(({ method }) => method)
    // Where one is not in its form, nobody knows how many are answered.
    const isClear = rest === 'nothing' && requests.length > 0 && !isDoubtful
    const afterwards = ending ?? (isClear ? 'waits' : rest === 'incomplete' ? 'ends' : 'ends when it is quiet')
    const enough = requests.length + (rest === 'malformed' ? 1 : 0)
    const exchanged = await this.#exchange({
      bytes,
      pieces,
      methods,
      answers: enough,
      afterwards,
      goesOn: isClear && goesOn,
    })
    if (exchanged === undefined) return
    const { answers, garbage, stalled } = exchanged
    this.#sent += Math.max(1, requests.length)
    if (garbage !== undefined) this.#judge.fault('not HTTP', number, JSON.stringify(garbage))
    if (stalled)
      this.#judge.fault('connection held', number, `${answers.length} answers to ${requests.length} requests`)
    for (const { status } of answers) this.#count(status)
    if (!isClear) withoutEarly(answers, requests.length)
    for (const [at, request] of requests.entries()) {
      const { verdict, event } = request
      this.#verdicts[verdict]++
      const status = answers[at]?.status
      // Its sender tries again, and so does one whose answer went with the connection that another had.
      const again = status === undefined ? !stalled && (!isClear || requests.length > 1) : NOT_NOW.has(status)
      if (verdict === 'must' && again) await this.#deliver(event!, number)
      else this.#judge.answered(request, status, number)
    }
    // Whoever asks by OPTIONS is told what there is, however little else of the request can be read.
    const unreadable = bytes.includes('OPTIONS ') ? { ...UNREADABLE, method: 'OPTIONS' } : UNREADABLE
    for (const { status } of answers.slice(requests.length)) {
      this.#judge.answered(unreadable, status, number)
    }
  }

  async #exchange(exchange: Parameters<Lane['exchange']>[0]) {
    const lane = this.#spare.pop() ?? new Lane(this.#options.target.port)
    try {
      return await lane.exchange(exchange)
    } catch (error) {
      if (this.#options.target.isAlive()) throw error
      return undefined
    } finally {
      this.#spare.push(lane)
    }
  }

  /** An event as its sender delivers it, until it is taken. */
  async #deliver(event: Event, number: number): Promise<void> {
    for (let tries = 1; ; tries++) {
      const now = Date.now()
      const bytes = bytesOf(draftOf(event, { number, now }))
      const { requests } = expectationsOf(bytes, [event], now)
      this.#judge.expect(requests[0]!, number)
      const exchanged = await this.#exchange({
        bytes,
        pieces: 1,
        methods: ['POST'],
        answers: 1,
        afterwards: 'waits',
        goesOn: true,
      })
      if (exchanged === undefined) return
      this.#sent++
      const status = exchanged.answers[0]?.status
      if (status !== undefined) this.#count(status)
      if (status === undefined || !NOT_NOW.has(status) || tries === TRIES) {
        this.#judge.answered(requests[0]!, status, number)
        return
      }
      await sleep(500 * tries)
    }
  }

  #count(status: number): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
  }

  #look(): void {
    const { runs } = this.#options.ledger
    if (runs.length === this.#looked) return
    this.#judge.look(runs.slice(this.#looked))
    this.#looked = runs.length
  }

  /** All that was accepted has run, or nothing more does. */
  async #settle(): Promise<void> {
    const { target, ledger, patienceMs = 10_000 } = this.#options
    let [runs, since] = [-1, 0]
    while (target.isAlive()) {
      const waiting = await target.pending()
      this.#look()
      if (waiting === 0 && this.#judge.pending === 0) return
      if (ledger.runs.length > runs) [runs, since] = [ledger.runs.length, performance.now()]
      else if (performance.now() - since > patienceMs) return
      await sleep(100)
    }
  }
}
