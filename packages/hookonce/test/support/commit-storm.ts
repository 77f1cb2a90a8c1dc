import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./commit-child.mjs', import.meta.url))
const SENDERS = 16

const random = (below: number) => Math.floor(Math.random() * below)

/** What a storm left: the keys that were acknowledged, and how often each answer was given. */
export interface Storm {
  acknowledged: string[]
  statuses: Record<string, number>
}

/** Whether a delivery is claimed and worked on at once, or accepted and worked on when it is due. */
export type Way = 'claims' | 'inbox'

interface StormOptions {
  kind: 'sqlite' | 'postgres'
  where: string
  way: Way
  kills: number
  /** Answers that may come besides those of the store and `killed`. */
  expected: RegExp
  /** Awaited before the last processes end. */
  settled(): Promise<unknown>
}

const ACKNOWLEDGED = ['completed', 'accepted', 'known']

/**
 * Delivers keys to three processes that transact with a store of `kind` at `where`, of which one after the other is
 * killed, every second around a COMMIT. Senders go on with a key until it is acknowledged.
 */
export async function commitStorm({ kind, where, way, kills, expected, settled }: StormOptions): Promise<Storm> {
  const storm: Storm = { acknowledged: [], statuses: {} }
  const start = () => new Receiver(kind, where, way)
  const receivers = Array.from({ length: 3 }, start)
  let isOver = false
  let keys = 0

  async function deliver(key: string): Promise<boolean> {
    const status = await receivers[random(receivers.length)]!.deliver(key)
    const isAcknowledged = ACKNOWLEDGED.includes(status)
    if (!isAcknowledged && !/^(fenced|running|killed)$/.test(status) && !expected.test(status)) throw new Error(status)
    storm.statuses[status] = (storm.statuses[status] ?? 0) + 1
    return isAcknowledged
  }

  async function send(): Promise<void> {
    while (!isOver) {
      const key = `key ${keys++}`
      for (;;) {
        const answers = await Promise.all(Array.from({ length: 1 + random(2) }, () => deliver(key)))
        if (answers.includes(true)) break
        await pause(random(20))
      }
      storm.acknowledged.push(key)
      // Accepting is quicker than working. Neither is to take all that the machine can do.
      await pause(random(way === 'inbox' ? 100 : 20))
    }
  }

  try {
    await Promise.all(receivers.map(({ ready }) => ready))
    const senders = Promise.all(Array.from({ length: SENDERS }, send))
    for (let killed = 0; killed < kills; killed++) {
      await pause(random(100))
      const victim = random(receivers.length)
      const successor = start()
      await successor.ready
      await receivers[victim]!.kill(killed % 2 === 0)
      receivers[victim] = successor
    }
    isOver = true
    await senders
    await settled()
  } finally {
    isOver = true
    for (const receiver of receivers) receiver.end()
  }
  return storm
}

/** A process that transacts, and what became of each delivery. Whatever is under way when it is killed has no answer. */
class Receiver {
  readonly #process: ChildProcess
  readonly #asked = new Map<number, (status: string) => void>()
  readonly #exited: Promise<unknown>
  readonly ready: Promise<void>
  #deliveries = 0
  #isDead = false

  constructor(kind: string, where: string, way: Way) {
    const child = spawn(process.execPath, [script, kind, where, way], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process = child
    // What is written to a child that was just killed is lost, and its exit tells so.
    child.stdin.on('error', () => {})
    this.#exited = new Promise(resolve => child.once('close', (code, signal) => resolve(signal ?? code)))
    this.ready = new Promise((resolve, reject) => {
      const lines = createInterface({ input: child.stdout })
      lines.once('line', () => {
        lines.on('line', line => this.#heard(line))
        resolve()
      })
      void this.#exited.then(how => {
        this.#isDead = true
        for (const answer of this.#asked.values()) answer('killed')
        reject(new Error(`a process of the storm ended: ${how}`))
      })
    })
    this.ready.catch(() => {})
  }

  #heard(line: string): void {
    // The last line of a process that was killed may be cut.
    if (!line.endsWith('}')) return
    const { delivery, status } = JSON.parse(line)
    this.#asked.get(delivery)!(status)
    this.#asked.delete(delivery)
  }

  async deliver(key: string): Promise<string> {
    if (this.#isDead) return 'killed'
    const delivery = ++this.#deliveries
    const answer = new Promise<string>(resolve => void this.#asked.set(delivery, resolve))
    this.#process.stdin!.write(`${JSON.stringify({ delivery, key })}\n`)
    return answer
  }

  /** At any moment, or around the COMMIT of its next transaction. */
  async kill(isAimed: boolean): Promise<void> {
    if (isAimed) this.#process.stdin!.write('aim\n')
    else this.#process.kill('SIGKILL')
    const how = await this.#exited
    if (how !== 'SIGKILL') throw new Error(`a process of the storm was not killed but ended: ${how}`)
  }

  end(): void {
    this.#process.kill('SIGKILL')
  }
}
