import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SqliteTransaction, sqliteStore } from 'hookonce/stores/sqlite'
import { type StoreCase, type StoreHarness, storeCases } from 'hookonce/testing/store'
import { afterAll, describe, test } from 'vitest'
import { type Connection, connection } from './support.js'

const folder = mkdtempSync(join(tmpdir(), 'hookonce-sqlite-'))
const ledgers: Connection[] = []
afterAll(() => {
  for (const ledger of ledgers) ledger.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A table in the store's own file, read by a connection of its own. */
async function openLedger(path: string): Promise<Connection> {
  const ledger = await connection(path)
  ledgers.push(ledger)
  ledger.exec('CREATE TABLE ledger (effect TEXT NOT NULL)')
  return ledger
}

function harnessIn(place: string): StoreHarness {
  const [live, crashed] = [join(folder, place, 'live'), join(folder, place, 'crashed')]
  const path = join(live, 'hookonce.db')
  let opening: Promise<Connection> | undefined
  let ledger: Connection
  return {
    open: async () => {
      // Many clients of one file on a machine that does other things: patience, which is not what is tested.
      const store = sqliteStore(path, { busyTimeoutMs: 30_000 })
      await store.ready()
      opening ??= openLedger(path)
      ledger = await opening
      return store
    },
    // Its worker thread reads a clock of its own, which a client's shifted Date does not reach.
    ownClock: true,
    inbox: true,
    groups: true,
    journal: true,
    // The files of an open store that is idle are what a kill at this moment leaves.
    afterCrash: async () => {
      cpSync(live, crashed, { recursive: true, filter: file => !file.endsWith('-shm') })
      return sqliteStore(join(crashed, 'hookonce.db'))
    },
    transactions: {
      write: (tx, effect) => {
        ;(tx as SqliteTransaction).prepare('INSERT INTO ledger VALUES (?)').run(effect)
      },
      count: async effect =>
        ledger.prepare('SELECT count(*) AS effects FROM ledger WHERE effect = ?').get(effect).effects,
    },
  }
}

const SHARED: StoreCase['needs'][] = ['transactions', 'inbox', 'groups', 'journal']
/** Work that waits would hold the only write lock; and a file tells no other process what changed in it. */
const NOT_HERE: StoreCase['needs'][] = ['waitingWork', 'push']

describe.concurrent('sqlite store', () => {
  const shared = harnessIn('shared')
  for (const { name, needs, run } of storeCases) {
    if (needs === undefined || SHARED.includes(needs)) test(name, () => run(shared))
    else if (!NOT_HERE.includes(needs)) test(name, () => run(harnessIn(needs)))
  }
})
