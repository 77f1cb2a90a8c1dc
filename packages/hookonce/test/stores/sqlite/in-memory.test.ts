import { systemClock } from 'hookonce'
import { type InMemorySqliteStore, type SqliteTransaction, sqliteStore } from 'hookonce/stores/sqlite'
import { type StoreCase, type StoreHarness, storeCases } from 'hookonce/testing/store'
import { describe, expect, test } from 'vitest'
import { request } from './support.js'

/** What needs another process, or time that a server keeps. */
const NOT_HERE: StoreCase['needs'][] = ['afterCrash', 'ownClock', 'waitingWork', 'push']
/** What another connection would have to see, of which there is none. */
const UNSEEN = ['an effect is not to be seen before its result is', 'a closed store begins no transaction']

describe.concurrent('a sqlite store in memory', () => {
  for (const { name, needs, run } of storeCases) {
    if (!NOT_HERE.includes(needs) && !UNSEEN.includes(name)) test(name, () => run(harness()))
  }
})

/** All clients of a case share one database, which goes with the last of them. */
function harness(): StoreHarness {
  let shared: InMemorySqliteStore | undefined
  let clients = 0
  return {
    async open() {
      if (shared === undefined) {
        shared = sqliteStore(':memory:')
        shared.database.exec('CREATE TABLE ledger (effect TEXT NOT NULL)')
      }
      const store = shared
      clients++
      let isClosed = false
      return {
        ...store,
        async close() {
          if (isClosed) return
          isClosed = true
          if (--clients === 0) await store.close()
        },
      }
    },
    inbox: true,
    groups: true,
    transactions: {
      write: (tx, effect) => {
        ;(tx as SqliteTransaction).prepare('INSERT INTO ledger VALUES (?)').run(effect)
      },
      async count(effect) {
        const { database } = shared!
        const row = database.prepare('SELECT count(*) AS effects FROM ledger WHERE effect = ?').get(effect)
        return (row as { effects: number }).effects
      },
    },
  }
}

test('a sqlite store in memory goes by the clock that it is given', async () => {
  let time = Date.UTC(2030, 0)
  const store = sqliteStore(':memory:', { clock: { ...systemClock, now: () => time } })
  await store.claim(request('k'))
  expect(await store.claim(request('k', { leaseId: 'another' }))).toMatchObject({ status: 'running' })
  time += 15_000
  expect(await store.claim(request('k', { leaseId: 'another' }))).toMatchObject({ status: 'acquired', tookOver: true })
  await store.close()
})

test('a sqlite store in memory does nothing after it was closed', async () => {
  const store = sqliteStore(':memory:')
  await store.close()
  await expect(store.get({ scope: 'test', key: 'k' })).rejects.toThrow('it is closed')
  const work = () => expect.unreachable()
  await expect(store.transact({ scope: 'test', key: 'k' }, 'lease', work)).rejects.toThrow('it is closed')
})
