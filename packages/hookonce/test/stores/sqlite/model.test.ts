import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { afterAll, test } from 'vitest'
import { assertAgrees, commands, instantOrHour, realTime } from '../model.js'

const folder = mkdtempSync(join(tmpdir(), 'hookonce-sqlite-model-'))
const store = sqliteStore(join(folder, 'hookonce.db'))
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('the sqlite store agrees with the model', async () => {
  const property = fc.asyncProperty(commands(instantOrHour), sequence => assertAgrees(store, sequence, realTime(store)))
  // Several at once: sequences of different keys share transactions, as real traffic does.
  await Promise.all(Array.from({ length: 10 }, () => fc.assert(property, { numRuns: 25 })))
})
