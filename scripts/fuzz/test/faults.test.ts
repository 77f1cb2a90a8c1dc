import { expect, test } from 'vitest'
import { described } from '../report.js'
import { type FuzzOptions, fuzz } from '../run/fuzz.js'
import type { FaultKind } from '../run/judge.js'
import { startFakeReceiver, type Wrong } from './fake-receiver.js'

async function fuzzFake(wrong?: Wrong, options: Partial<FuzzOptions> = {}) {
  const { target, ledger, close } = await startFakeReceiver(wrong)
  try {
    return await fuzz({ target, ledger, seed: 1, requests: 600, patienceMs: 500, ...options })
  } finally {
    close()
  }
}

test('a receiver without a fault has none', async () => {
  const report = await fuzzFake()
  expect(report.faults).toEqual([])
  const { must, may, never } = report.verdicts
  expect([must > 200, may > 30, never > 80]).toEqual([true, true, true])
  expect(report.ran).toBeGreaterThan(120)
})

const FOUND: [Wrong, FaultKind][] = [
  ['believes what names an event', 'never ran'],
  ['runs what is not signed', 'ran unsigned'],
  ['runs a duplicate', 'ran twice'],
  ['answers without a run', 'never ran'],
  ['refuses a genuine one', 'genuine refused'],
  ['accepts a foreign one', 'foreign accepted'],
  ['fails', 'wrong status'],
  ['says nothing', 'no answer'],
  ['ends', 'server ended'],
  ['grows', 'memory'],
]

test.each(FOUND)('a receiver that %s is found: %s', async (wrong, kind) => {
  const { faults } = await fuzzFake(wrong)
  expect(faults.map(fault => fault.kind)).toContain(kind)
})

test('a fault is told with all that it takes to see it again', async () => {
  const report = await fuzzFake('fails')
  const { number } = report.faults[0]!
  const text = described(report, { seed: 1, store: 'memory', ended: 0, errors: [] })
  expect(text).toContain(`npm run fuzz -- --seed 1 --store memory --only ${number}\n`)
  const bytes = Buffer.from(text.split('\n').find(line => /^ {2}[A-Za-z0-9+/=]+$/.test(line))!, 'base64')
  expect(bytes.toString('latin1')).toMatch(/ \/hooks\//)
})

test('one request alone is sent after the delivery that it repeats', async () => {
  const report = await fuzzFake(undefined, { only: 23 })
  expect(report.faults).toEqual([])
  expect(report.sent).toBeLessThan(20)
})
