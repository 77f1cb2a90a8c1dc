import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { described } from '../report.js'
import { fuzz } from '../run/fuzz.js'
import { startLedger } from '../run/ledger.js'
import { startFuzzedServer } from '../run/server.js'

test('3,000 requests to ten signed sources: nothing unsigned runs, nothing twice, none is answered 500', async () => {
  const seed = Number(process.env.HOOKONCE_TEST_FUZZ_SEED ?? 3)
  const store = `sqlite:${join(mkdtempSync(join(tmpdir(), 'hookonce-fuzz-')), 'hookonce.db')}`
  const ledger = await startLedger()
  const server = await startFuzzedServer({ storeUrl: store, ledger })
  try {
    const report = await fuzz({ target: server, ledger, seed, requests: 3_000 })
    const ended = await server.stop()
    const told = described(report, { seed, store: 'sqlite', ended, errors: server.errors() })
    expect(report.faults, told).toEqual([])
    expect(ended, told).toBe(0)
    expect(report.ran, told).toBeGreaterThan(800)
  } finally {
    await server.stop()
    ledger.close()
  }
}, 180_000)
