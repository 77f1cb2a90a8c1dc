import assert from 'node:assert/strict'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, BEN, type Probe } from './probe.js'

const results: Record<string, () => Uint8Array> = {
  'of no bytes': () => new Uint8Array(),
  'of every byte value': () => Uint8Array.from({ length: 256 }, (_, i) => i),
  'of a mebibyte': () => new Uint8Array(1024 * 1024).map((_, i) => (i * 31) >> 3),
  'that is a window into a larger buffer': () => Buffer.from('secret<result>secret').subarray(6, 14),
  'that looks like text in another encoding': () => Uint8Array.of(0xef, 0xbb, 0xbf, 0xff, 0xfe, 0x00, 0xc3, 0x28),
}

/** The result that `claim` and `get` return. */
async function readBack(probe: Probe): Promise<Uint8Array[]> {
  const outcome = await probe.claim(BEN)
  assert.ok(outcome.status === 'completed')
  const { result } = await probe.record()
  assert.ok(outcome.result instanceof Uint8Array && result instanceof Uint8Array)
  return [outcome.result, result]
}

/** Keys that break wrong quoting, patterns, collations, object properties, hash tags or encodings. */
const hostileKeys = [
  'plain',
  'Plain',
  'PLAIN',
  ' plain',
  'plain ',
  'plain  ',
  'pl_in',
  'pl%in',
  'pl*in',
  'pl?in',
  'pl[a]in',
  "it's",
  'it"s',
  'it`s',
  "'; DROP TABLE records; --",
  '$1',
  ':key',
  '?1',
  '\\',
  '\\\\',
  '{}',
  '{plain}',
  '{plain}plain',
  'a:b',
  'a/b',
  '../a',
  'a\nb',
  'a\r\nb',
  'a\tb',
  '__proto__',
  'constructor',
  'null',
  'undefined',
  '0',
  '00',
  '0.0',
  '1e3',
  '1000',
  'é', // one code point
  'e\u0301', // the same letter in two
  'ß',
  'ss',
  'ｐｌａｉｎ',
  '日本語',
  '🪝',
  '🪝🪝',
  'x'.repeat(255),
  `${'x'.repeat(254)}y`,
]

/** Pairs of scope and key that a separator joins to the same text. */
const collidingPairs: [scope: string, key: string][] = [
  ['ab', 'c'],
  ['a', 'bc'],
  ['a:b', 'c'],
  ['a', 'b:c'],
  ['a/b', 'c'],
  ['a', 'b/c'],
  ['a|b', 'c'],
  ['a', 'b|c'],
  ['a b', 'c'],
  ['a', 'b c'],
  ['a","b', 'c'],
  ['a', 'b","c'],
  ['{a}', 'b'],
  ['{a', '}b'],
  ['a\\', ':b'],
  ['a', '\\:b'],
  ['1:a', 'b'],
  ['1', 'a:b'],
]

/** Completes each probe's record with its own result, and checks that each has kept it. */
async function assertKeptApart(probes: Probe[]): Promise<void> {
  for (const probe of probes) assert.equal((await probe.acquire(ANN)).attempt, 1, JSON.stringify(probe.id))
  for (const [i, probe] of probes.entries()) await probe.completed(ANN, `result ${i}`)
  for (const [i, probe] of probes.entries()) {
    const { scope, key, result } = await probe.record()
    assert.deepEqual({ scope, key }, probe.id)
    assert.equal(Buffer.from(result!).toString(), `result ${i}`)
  }
  assert.equal(await probes[0]!.delete(), 'deleted')
  for (const probe of probes.slice(1)) assert.equal((await probe.claim(BEN)).status, 'completed')
}

export const byteCases: readonly StoreCase[] = [
  ...Object.entries(results).map(([kind, make]) =>
    behaviour(`a result ${kind} comes back byte for byte`, async ({ probe }) => {
      await probe.acquire(ANN)
      await probe.completed(ANN, make())
      const expected = make()
      for (const result of await readBack(probe)) assert.ok(Buffer.from(result).equals(expected))
    }),
  ),

  behaviour('what a caller does to its buffers afterwards does not change the record', async ({ probe }) => {
    const given = Buffer.from('the answer')
    await probe.acquire(ANN)
    await probe.completed(ANN, given)
    given.fill(0)
    for (const taken of await readBack(probe)) taken.fill(0)
    for (const result of await readBack(probe)) assert.equal(Buffer.from(result).toString(), 'the answer')
  }),

  behaviour('what a caller does to a record it was given does not change the record', async ({ probe }) => {
    await probe.acquire(ANN)
    const given = await probe.record()
    const [listed] = await probe.listed()
    for (const record of [given, listed!]) Object.assign(record, { leaseId: BEN, attempts: 7, expiresAt: 0 })
    const { leaseId, attempts } = await probe.record()
    assert.deepEqual({ leaseId, attempts }, { leaseId: ANN, attempts: 1 })
  }),

  behaviour('keys that differ at all are kept apart', async ({ probe }) => {
    await assertKeptApart(hostileKeys.map(key => probe.of({ key })))
    const records = await probe.listed()
    assert.deepEqual(records.map(record => record.key).sort(), hostileKeys.slice(1).sort())
  }),

  behaviour('scopes never share a key, however scope and key are joined', async ({ probe }) => {
    const { scope: own } = probe.id
    await assertKeptApart(collidingPairs.map(([scope, key]) => probe.of({ scope: own + scope, key })))
  }),

  behaviour('a scope is taken literally: case, patterns and blanks', async ({ probe }) => {
    const { scope: own } = probe.id
    const scopes = ['', 'x', 'X', '%', '_', '*', '?', ' ', "'", '{}', '🪝'].map(end => own + end)
    await assertKeptApart(scopes.map(scope => probe.of({ scope })))
    for (const scope of scopes.slice(1)) {
      const records = await probe.of({ scope }).listed()
      assert.deepEqual(
        records.map(record => record.scope),
        [scope],
      )
    }
  }),
]
