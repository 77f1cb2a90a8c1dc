import assert from 'node:assert/strict'
import { HookonceError } from '../../errors.js'
import type { RecordSummary } from '../../stores/store.js'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, BEN, CLEO, HOUR, ONE, type Probe, TWO, textOf } from './probe.js'

const keysOf = (records: RecordSummary[]) => records.map(record => record.key).sort()

export const readingCases: readonly StoreCase[] = [
  behaviour('a running record tells all about its attempt', async ({ probe }) => {
    const { fencingToken } = await probe.acquire(ANN, { fingerprint: ONE })
    const { createdAt, claimedAt, leaseEndsAt, expiresAt, leaseRemainingMs, history, ...rest } = await probe.record()
    assert.deepEqual(rest, {
      ...probe.id,
      state: 'running',
      fingerprint: ONE,
      label: null,
      attempts: 1,
      losses: 0,
      leaseId: ANN,
      fencingToken,
      settledAt: null,
      lastError: null,
      result: null,
    })
    assert.equal(history.length, 1)
    assert.equal(claimedAt, createdAt)
    assert.ok(leaseRemainingMs > 0 && leaseRemainingMs <= HOUR)
    for (const time of [createdAt, claimedAt, leaseEndsAt, expiresAt, leaseRemainingMs])
      assert.ok(Number.isFinite(time))
  }),

  behaviour('a settled record has no lease left, and tells when and how it ended', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.fail(ANN, 'no route to host')
    const failed = await probe.record()
    assert.deepEqual(
      [failed.state, failed.leaseRemainingMs, failed.lastError, failed.result],
      ['failed', 0, 'no route to host', null],
    )
    assert.ok(failed.settledAt! >= failed.claimedAt)

    await probe.acquire(BEN)
    const completedAt = await probe.completed(BEN, 'done')
    const completed = await probe.record()
    assert.deepEqual([completed.state, completed.leaseRemainingMs, completed.settledAt], ['completed', 0, completedAt])
    assert.equal(textOf(completed.result), 'done')
  }),

  behaviour('a record keeps its creation, first known fingerprint and last error', async ({ probe }) => {
    await probe.acquire(ANN, { fingerprint: null })
    const { createdAt } = await probe.record()
    await probe.fail(ANN, 'it broke')
    await probe.acquire(BEN, { fingerprint: ONE })
    await probe.fail(BEN, 'again')
    await probe.acquire(CLEO, { fingerprint: null })
    const record = await probe.record()
    assert.deepEqual([record.createdAt, record.fingerprint, record.lastError], [createdAt, ONE, 'again'])
    assert.deepEqual(await probe.claim(ANN, { fingerprint: TWO }), { status: 'mismatch' })
  }),

  behaviour('reading changes nothing', async ({ probe }) => {
    assert.equal(await probe.get(), undefined)
    assert.equal((await probe.abandon(ANN)).attempt, 1)
    const before = await probe.record()
    await probe.listed({ limit: 10 })
    await probe.store.stats()
    await probe.store.ready()
    assert.deepEqual(await probe.record(), before)
    assert.equal((await probe.acquire(BEN)).attempt, 2)
  }),

  behaviour('a list leads through every record of a scope exactly once', async ({ probe }) => {
    const keys = Array.from({ length: 23 }, (_, i) => `key ${i}`).sort()
    for (const key of keys) await probe.of({ key }).acquire(ANN)
    await probe.of({ scope: `${probe.id.scope}*` }).acquire(ANN)
    for (const limit of [1, 7, 23, 1000]) assert.deepEqual(keysOf(await probe.listed({ limit })), keys)
  }),

  behaviour('a list tells what the record tells, without its result and history', async ({ probe }) => {
    await probe.acquire(ANN, { fingerprint: ONE })
    await probe.complete(ANN)
    const { result: _, history: __, ...summary } = await probe.record()
    assert.deepEqual(await probe.listed({ limit: 10 }), [summary])
  }),

  behaviour('a list can be narrowed to one state', async ({ probe }) => {
    const settle = {
      running: async () => {},
      completed: (probe: Probe) => probe.complete(ANN),
      failed: (probe: Probe) => probe.fail(ANN),
    }
    const states = Object.keys(settle) as (keyof typeof settle)[]
    for (const state of states) {
      for (const i of [1, 2, 3]) {
        const one = probe.of({ key: `${state} ${i}` })
        await one.acquire(ANN)
        await settle[state](one)
      }
    }
    for (const state of states) {
      assert.deepEqual(
        keysOf(await probe.listed({ limit: 2, state })),
        [1, 2, 3].map(i => `${state} ${i}`),
      )
    }
  }),

  behaviour('a list of an unknown scope is empty', async ({ probe }) => {
    assert.deepEqual(await probe.listed(), [])
  }),

  behaviour('a list asked in a wrong way is refused, or answers within its bounds', async ({ probe }) => {
    await probe.acquire(ANN)
    const { scope } = probe.id
    const limits = [0, -1, 1.5, 1001, Number.NaN, Number.POSITIVE_INFINITY]
    const cursors = ['', 'x', '-1', '1e3', "' OR 1=1 --", '0'.repeat(500), '\0']
    const queries = [...limits.map(limit => ({ limit })), ...cursors.map(after => ({ limit: 10, after }))]
    for (const query of queries) {
      const records = await probe.store.list({ scope, ...query }).then(
        page => page.records,
        (error: unknown) => {
          assert.ok(error instanceof HookonceError, String(error))
          return []
        },
      )
      assert.ok(records.every(record => record.scope === scope))
    }
    assert.equal((await probe.record()).attempts, 1)
  }),

  behaviour('the usage of a scope is what it keeps, or absent', async ({ probe }) => {
    const usageOf = async (scope: string) => (await probe.store.usage?.(scope)) ?? {}
    for (let i = 0; i < 20; i++) {
      const one = probe.of({ key: `${i}` })
      await one.acquire(ANN)
      if (i >= 5) await one.complete(ANN, crypto.getRandomValues(new Uint8Array(10_000)))
    }
    const other = probe.of({ scope: `${probe.id.scope}*` })
    await other.acquire(ANN)
    const { records = 20, bytes = 200_000 } = await usageOf(probe.id.scope)
    assert.equal(records, 20)
    assert.ok(bytes > 150_000 && bytes < 250_000, `${bytes} bytes`)
    assert.equal((await usageOf(other.id.scope)).records ?? 1, 1)
    await probe.of({ key: '0' }).delete({ force: true })
    await probe.of({ key: '19' }).delete()
    const after = await usageOf(probe.id.scope)
    assert.equal(after.records ?? 18, 18)
    assert.ok((after.bytes ?? 0) < bytes - 5_000)
    const { records: none = 0, bytes: nothing = 0 } = await usageOf(`${probe.id.scope}-unknown`)
    assert.deepEqual([none, nothing], [0, 0])
  }),

  behaviour('statistics are whole numbers, or absent', async ({ probe }) => {
    await probe.acquire(ANN)
    const { records = 0, bytes = 0 } = await probe.store.stats()
    for (const number of [records, bytes]) assert.ok(Number.isInteger(number) && number >= 0)
  }),
]
