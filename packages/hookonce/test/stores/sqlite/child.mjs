/** What the tests run in processes of their own: node child.mjs <part> <path> [argument]. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { sqliteStore } from 'hookonce/stores/sqlite'

const [part, path, argument] = process.argv.slice(2)

const request = (key, leaseMs = 15_000) => ({
  scope: 'test',
  key,
  fingerprint: null,
  leaseId: randomUUID(),
  leaseMs,
  lockTtlMs: 300_000,
  retentionMs: 3_600_000,
  maxLosses: 1_000_000,
})

const say = value => process.stdout.write(`${JSON.stringify(value)}\n`)
const told = () => once(process.stdin, 'data')

const parts = {
  /** Claims every key once told to, and says what it acquired. */
  async race() {
    const store = sqliteStore(path)
    say('started')
    await told()
    const keys = Array.from({ length: Number(argument) }, (_, index) => `key ${index}`)
    const outcomes = await Promise.all(keys.map(key => store.claim(request(key))))
    say(keys.filter((_, index) => outcomes[index].status === 'acquired'))
    await store.close()
    process.stdin.destroy()
  },

  /** Takes one key again and again with leases that are over at once, and says every token it got. */
  async takeOver() {
    const store = sqliteStore(path)
    await store.ready()
    say('started')
    await told()
    const tokens = []
    while (tokens.length < Number(argument)) {
      const outcome = await store.claim(request('contended', 1))
      if (outcome.status === 'acquired') tokens.push(outcome.fencingToken)
    }
    say(tokens)
    await store.close()
    process.stdin.destroy()
  },

  /** Completes one key after the other until it is killed, and names each that was acknowledged. */
  async write() {
    const store = sqliteStore(path)
    let next = 0
    const writer = async () => {
      for (;;) {
        const claimed = request(`${argument} ${next++}`)
        await store.claim(claimed)
        await store.complete(claimed, claimed.leaseId, Buffer.from(`result of ${claimed.key}`))
        say(claimed.key)
      }
    }
    await Promise.all(Array.from({ length: 16 }, writer))
  },

  /** Transacts with one key after the other, each claimed before, until it is rejected; says the last key and why. */
  async transactToTheEnd() {
    const store = sqliteStore(path)
    const claims = Array.from({ length: Number(argument) }, (_, index) => request(`key ${index}`))
    await Promise.all(claims.map(claimed => store.claim(claimed)))
    for (const { leaseId, ...id } of claims) {
      try {
        await store.transact(id, leaseId, tx => {
          tx.prepare('INSERT INTO ledger VALUES (?, ?)').run(id.key, Buffer.alloc(20_000))
          return Buffer.from('result')
        })
      } catch ({ code, effect, message }) {
        say({ key: id.key, leaseId, error: { code, effect, message } })
        break
      }
    }
    await store.close()
  },

  /** Leaves a store open with nothing to do. */
  async idle() {
    await sqliteStore(path).ready()
    say('ready')
  },

  /** Holds the write lock until told to let go. */
  async lock() {
    const hasDriver = Number.parseInt(process.versions.node, 10) >= 24
    const { DatabaseSync } = await import(hasDriver ? 'node:sqlite' : '@photostructure/sqlite')
    const db = new DatabaseSync(path)
    db.exec('BEGIN IMMEDIATE')
    say('locked')
    await told()
    db.exec('ROLLBACK')
    db.close()
    process.stdin.destroy()
  },
}

await parts[part]()
