import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { afterAll, test } from 'vitest'
import { assertAgrees, commands, instantOrHour, realTime } from './model.js'

const folder = mkdtempSync(join(tmpdir(), 'hookonce-sqlite-model-'))
const store = sqliteStore(join(folder, 'hookonce.db'))
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

// Several at once: sequences of different keys share transactions, as real traffic does.
test.concurrent.for([1, 2, 3, 4])('the sqlite store agrees with the model (%i of 4)', async () => {
  await fc.assert(
    fc.asyncProperty(commands(instantOrHour), sequence => assertAgrees(store, sequence, realTime(store))),
    { numRuns: 50 },
  )
})
