import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Child, connect, open, startChild, temporaryFolder } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 20)
const SENDERS = 16

const random = (below: number) => Math.floor(Math.random() * below)

/** A process that delivers keys, and what became of each. Whatever is under way when it is killed has no answer. */
class Receiver {
  readonly #child: Child
  readonly #asked = new Map<number, (status: string) => void>()
  #deliveries = 0
  #isDead = false
  readonly ready: Promise<void>

  constructor(path: string) {
    this.#child = startChild('deliver', path)
    this.ready = this.#child.nextLine().then(() => void this.#listen())
  }

  async #listen(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#child.lines.next()
      if (done) break
      const { delivery, status } = JSON.parse(value)
      this.#asked.get(delivery)!(status)
      this.#asked.delete(delivery)
    }
    this.#isDead = true
    for (const answer of this.#asked.values()) answer('killed')
  }

  async deliver(key: string): Promise<string> {
    if (this.#isDead) return 'killed'
    const delivery = ++this.#deliveries
    const answer = new Promise<string>(resolve => void this.#asked.set(delivery, resolve))
    this.#child.send(JSON.stringify({ delivery, key }))
    return answer
  }

  /** At any moment, or around the COMMIT of its next transaction. */
  async kill(isAimed: boolean): Promise<void> {
    if (isAimed) this.#child.send('aim')
    else this.#child.process.kill('SIGKILL')
    expect(await this.#child.exited).toBe('SIGKILL')
  }
}

test(
  `over ${KILLS} SIGKILLs and any number of takeovers, each key that was acknowledged has exactly one effect`,
  async () => {
    const path = join(temporaryFolder(), 'hookonce.db')
    const store = open(path)
    await store.ready()
    const db = await connect(path)
    db.exec('CREATE TABLE ledger (effect TEXT NOT NULL, lease_id TEXT NOT NULL)')

    const receivers = Array.from({ length: 3 }, () => new Receiver(path))
    await Promise.all(receivers.map(({ ready }) => ready))
    const statuses: Record<string, number> = {}
    const acknowledged: string[] = []
    let isOver = false
    let keys = 0

    async function deliver(key: string): Promise<boolean> {
      const status = await receivers[random(receivers.length)]!.deliver(key)
      if (!/^(completed|fenced|running|killed)$|locked by another process/.test(status)) throw new Error(status)
      statuses[status] = (statuses[status] ?? 0) + 1
      return status === 'completed'
    }

    async function send(): Promise<void> {
      while (!isOver) {
        const key = `key ${keys++}`
        for (;;) {
          const answers = await Promise.all(Array.from({ length: 1 + random(2) }, () => deliver(key)))
          if (answers.includes(true)) break
          await pause(random(20))
        }
        acknowledged.push(key)
      }
    }

    const senders = Promise.all(Array.from({ length: SENDERS }, send))
    for (let kills = 0; kills < KILLS; kills++) {
      await pause(random(100))
      const victim = random(receivers.length)
      const successor = new Receiver(path)
      await successor.ready
      await receivers[victim]!.kill(kills % 2 === 0)
      receivers[victim] = successor
    }
    isOver = true
    await senders

    const effects = db
      .prepare(
        `SELECT effect, group_concat(ledger.lease_id) AS lease_ids, records.lease_id, state, attempts
         FROM ledger LEFT JOIN records ON scope = 'test' AND key = effect GROUP BY effect`,
      )
      .all()
    expect(effects.map(({ effect }) => effect).toSorted()).toEqual(acknowledged.toSorted())
    for (const { effect, lease_ids, lease_id, state } of effects) {
      expect({ effect, lease_ids, state }).toEqual({ effect, lease_ids: lease_id, state: 'completed' })
    }
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })

    const takenOver = effects.filter(({ attempts }) => attempts > 1).length
    console.log(`${keys} keys, ${takenOver} of them taken over, ${JSON.stringify(statuses)}`)
    expect(takenOver).toBeGreaterThan(0)
    for (const fault of ['fenced', 'killed', 'running']) expect(statuses[fault]).toBeGreaterThan(0)
  },
  60_000 + KILLS * 2_000,
)
