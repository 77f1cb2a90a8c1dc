import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { type StoreHarness, storeCases } from 'hookonce/testing'
import { afterAll, describe, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'hookonce-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function harnessIn(place: string): StoreHarness {
  const [live, crashed] = [join(folder, place, 'live'), join(folder, place, 'crashed')]
  return {
    // Many clients of one file on a machine that does other things: patience, which is not what is tested.
    open: async () => sqliteStore(join(live, 'hookonce.db'), { busyTimeoutMs: 30_000 }),
    // Its worker thread reads a clock of its own, which a client's shifted Date does not reach.
    ownClock: true,
    // The files of an open store that is idle are what a kill at this moment leaves.
    afterCrash: async () => {
      cpSync(live, crashed, { recursive: true, filter: file => !file.endsWith('-shm') })
      return sqliteStore(join(crashed, 'hookonce.db'))
    },
  }
}

describe.concurrent('sqlite store', () => {
  const shared = harnessIn('shared')
  for (const { name, needs, run } of storeCases) {
    if (!needs) test(name, () => run(shared))
    else if (shared[needs]) test(name, () => run(harnessIn(needs)))
  }
})
