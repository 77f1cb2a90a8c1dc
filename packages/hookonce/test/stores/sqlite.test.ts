import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { type StoreHarness, storeCases } from 'hookonce/testing'
import { afterAll, describe, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'hookonce-sqlite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const harness: StoreHarness = {
  // Many clients of one file on a machine that does other things: patience, which is not what is tested.
  open: async () => sqliteStore(join(folder, 'live', 'hookonce.db'), { busyTimeoutMs: 30_000 }),
  // The files of an open store as they stand are what a kill at this moment leaves.
  afterCrash: async () => {
    cpSync(join(folder, 'live'), join(folder, 'crashed'), { recursive: true, filter: file => !file.endsWith('-shm') })
    return sqliteStore(join(folder, 'crashed', 'hookonce.db'))
  },
}

describe.concurrent('sqlite store', () => {
  for (const { name, needs, run } of storeCases) {
    if (!needs || harness[needs]) test(name, () => run(harness))
  }
})
