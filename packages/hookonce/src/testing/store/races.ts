import assert from 'node:assert/strict'
import type { Store } from '../../stores/store.js'
import { behaviour, type StoreCase } from './harness.js'
import { ANN, assertRising, BEN, CLEO, type Probe, textOf, waitFor } from './probe.js'

const leaseIds = (count: number) => Array.from({ length: count }, (_, i) => i.toString(16).padStart(32, '0'))

/** Claims once per lease id, all concurrently, alternating between both clients. */
async function claimAtOnce(probe: Probe, other: Store, count: number) {
  const clients = [probe, probe.through(other)]
  const outcomes = await Promise.all(leaseIds(count).map((leaseId, i) => clients[i % 2]!.claim(leaseId)))
  const acquired = outcomes.flatMap(outcome => (outcome.status === 'acquired' ? [outcome] : []))
  assert.equal(acquired.length, 1, `${acquired.length} of ${count} claims were acquired`)
  assert.equal(outcomes.filter(outcome => outcome.status === 'running').length, count - 1)
  return acquired[0]!
}

export const raceCases: readonly StoreCase[] = [
  behaviour('of many claims at once, through two clients, exactly one is acquired', async ({ probe, another }) => {
    const other = await another()
    assert.equal((await claimAtOnce(probe, other, 40)).attempt, 1)
  }),

  behaviour(
    'of many takeovers at once exactly one is acquired, and one loss is counted',
    async ({ probe, another }) => {
      const other = await another()
      await probe.abandon(ANN)
      assert.equal((await claimAtOnce(probe, other, 40)).attempt, 2)
      assert.equal((await probe.record()).losses, 1)
    },
  ),

  behaviour('of many retries of a failed record at once exactly one is acquired', async ({ probe, another }) => {
    const other = await another()
    await probe.acquire(ANN)
    await probe.fail(ANN)
    assert.equal((await claimAtOnce(probe, other, 40)).attempt, 2)
  }),

  behaviour('of many claims of an expired record at once exactly one is acquired', async ({ probe, another }) => {
    const other = await another()
    await probe.acquire(ANN, { retentionMs: 1 })
    await probe.complete(ANN)
    await probe.gone()
    assert.equal((await claimAtOnce(probe, other, 40)).attempt, 1)
  }),

  behaviour('one claim sent many times at once is one attempt', async ({ probe, another }) => {
    const clients = [probe, probe.through(await another())]
    const outcomes = await Promise.all(leaseIds(20).map((_, i) => clients[i % 2]!.claim(ANN)))
    for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0])
    assert.equal((await probe.record()).attempts, 1)
  }),

  behaviour('claims of many keys at once are all acquired', async ({ probe, another }) => {
    const clients = [probe, probe.through(await another())]
    const outcomes = await Promise.all(leaseIds(40).map((key, i) => clients[i % 2]!.of({ key }).claim(ANN)))
    for (const outcome of outcomes) assert.equal(outcome.status === 'acquired' && outcome.attempt, 1)
  }),

  behaviour('a late result and a takeover at once: one of them wins, never both', async ({ probe, another }) => {
    const other = await another()
    for (const key of leaseIds(10)) {
      const [late, next] = [probe.of({ key }), probe.of({ key }).through(other)]
      await late.abandon(ANN)
      const [completion, claim] = await Promise.all([late.complete(ANN, 'late'), next.claim(BEN)])
      if (claim.status === 'completed') assert.equal(textOf(claim.result), 'late')
      else assert.equal(claim.status, 'acquired')
      assert.equal(completion.status, claim.status === 'acquired' ? 'fenced' : 'completed')
    }
  }),

  behaviour('completed and failed at once by one attempt: one of them stands', async ({ probe, another }) => {
    const other = await another()
    for (const key of leaseIds(10)) {
      const [one, two] = [probe.of({ key }), probe.of({ key }).through(other)]
      await one.acquire(ANN)
      const [completion, failure] = await Promise.all([one.complete(ANN), two.fail(ANN)])
      const { state } = await one.record()
      assert.equal(completion.status, state === 'completed' ? 'completed' : 'fenced')
      assert.equal(failure, state === 'failed' ? 'failed' : 'fenced')
    }
  }),

  behaviour('one completion sent many times at once is one result at one time', async ({ probe, another }) => {
    const clients = [probe, probe.through(await another())]
    await probe.acquire(ANN)
    const completions = await Promise.all(leaseIds(20).map((_, i) => clients[i % 2]!.complete(ANN, `result ${i}`)))
    for (const completion of completions) assert.deepEqual(completion, completions[0])
    assert.equal(completions[0]!.status, 'completed')
  }),

  behaviour('a forced deletion and a completion at once leave no record of the attempt', async ({ probe, another }) => {
    const other = await another()
    for (const key of leaseIds(10)) {
      const [owner, operator] = [probe.of({ key }), probe.of({ key }).through(other)]
      await owner.acquire(ANN)
      const [, deletion] = await Promise.all([owner.complete(ANN), operator.delete({ force: true })])
      assert.equal(deletion, 'deleted')
      assert.equal(await owner.get(), undefined)
      assert.deepEqual(await owner.complete(ANN), { status: 'fenced' })
    }
  }),

  behaviour(
    'workers that fight for one key run one attempt each time and record one result',
    async ({ probe, another }) => {
      const clients = [probe, probe.through(await another())]
      const acquired: { attempt: number; fencingToken: string }[] = []
      let results = 0

      async function work(probe: Probe, leaseId: string): Promise<boolean> {
        const claim = await probe.claim(leaseId)
        if (claim.status === 'acquired') {
          acquired.push(claim)
          if (claim.attempt < 20) assert.equal(await probe.fail(leaseId), 'failed')
          else if ((await probe.complete(leaseId)).status === 'completed') results++
        }
        return claim.status === 'completed'
      }
      const workers = leaseIds(6).map((leaseId, i) => waitFor('a result', () => work(clients[i % 2]!, leaseId)))
      await Promise.all(workers)

      acquired.sort((a, b) => a.attempt - b.attempt)
      assert.deepEqual(
        acquired.map(claim => claim.attempt),
        Array.from({ length: 20 }, (_, i) => i + 1),
      )
      assertRising(acquired.map(claim => claim.fencingToken))
      assert.equal(results, 1)
    },
  ),

  behaviour('what one client acquires another may settle and a third may read', async ({ probe, another }) => {
    const [second, third] = [probe.through(await another()), probe.through(await another())]
    await probe.acquire(ANN)
    assert.equal(await second.renew(ANN), 'renewed')
    await second.completed(ANN, 'from afar')
    const outcome = await third.claim(CLEO)
    assert.equal(outcome.status === 'completed' && textOf(outcome.result), 'from afar')
  }),
]
