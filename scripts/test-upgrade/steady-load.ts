import { setTimeout as sleep } from 'node:timers/promises'
import { deliver } from '../../packages/server/test/process/support/deliver.js'
import { randomFrom } from '../../packages/server/test/process/support/random.js'
import type { ServerProcess } from '../../packages/server/test/process/support/server.js'
import type { HttpResponse } from '../../packages/server/test/support/http.js'

const EVERY_MS = 25
/** Of deliveries that send a key again, which some other process may have had first. */
const DUPLICATES = 0.25
/** From which of the last keys a duplicate is: of those in flight too. */
const RECENT = 40

interface Answered {
  key: string
  /** `undefined`: the connection ended without an answer. */
  answer: HttpResponse | undefined
}

/** A client that sends to the servers of its list, whatever becomes of those before. */
export class SteadyLoad {
  /** Where the next delivery may go. */
  readonly targets: ServerProcess[]
  readonly keys: string[] = []
  readonly answered: Answered[] = []
  readonly #answeredBy = new Map<ServerProcess, number>()
  readonly #random = randomFrom(Date.now())
  readonly #sending: Promise<void>
  #going = new Set<Promise<void>>()
  #isOver = false

  constructor(targets: ServerProcess[]) {
    this.targets = targets
    this.#sending = this.#send()
  }

  answeredBy(server: ServerProcess): number {
    return this.#answeredBy.get(server) ?? 0
  }

  /** Resolves when all that was sent is answered. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#sending
    await Promise.all(this.#going)
  }

  async #send(): Promise<void> {
    while (!this.#isOver) {
      const isDuplicate = this.keys.length > 0 && this.#random.chance(DUPLICATES)
      const key = isDuplicate ? this.#random.pick(this.keys.slice(-RECENT)) : `k${this.keys.length}`
      if (!isDuplicate) this.keys.push(key)
      const going = this.#deliver(this.#random.pick(this.targets), key).finally(() => this.#going.delete(going))
      this.#going.add(going)
      await sleep(EVERY_MS)
    }
  }

  async #deliver(server: ServerProcess, key: string): Promise<void> {
    const answer = await deliver(server, key).catch(() => undefined)
    this.answered.push({ key, answer })
    this.#answeredBy.set(server, this.answeredBy(server) + 1)
  }
}
