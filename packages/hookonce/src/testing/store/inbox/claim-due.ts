import assert from 'node:assert/strict'
import { type DueClaim, LOST_ERROR } from '../../../stores/inbox-store.js'
import { lostError, NEVER } from '../../../stores/store.js'
import type { StoreCase } from '../harness.js'
import { ANN, assertRising, assertSpan, BEN, CLEO, HOUR, textOf, waitFor } from '../probe.js'
import { abandon, accept, bring, fail, inboxCase, keysOf, lose, take, takeOne } from './support.js'

export const takingCases: readonly StoreCase[] = [
  inboxCase('a due record is taken as its first attempt, with what was accepted', async ({ probe }) => {
    await accept(probe)
    const { acceptedAt, accepted, delivery, fencingToken, ...rest } = await takeOne(probe, ANN)
    assert.deepEqual(rest, { ...probe.id, attempt: 1, tookOver: false })
    assert.equal(textOf(delivery), 'delivery')
    const record = await probe.record()
    assert.deepEqual([record.createdAt, record.accepted, record.fencingToken], [acceptedAt, accepted, fencingToken])
    assert.deepEqual(
      [record.state, record.attempts, record.leaseId, record.expiresAt, accepted.dueAt],
      ['running', 1, ANN, NEVER, record.leaseEndsAt],
    )
    assertSpan(record.claimedAt, record.leaseEndsAt, HOUR)
  }),

  inboxCase('what is not due yet is left', async ({ probe }) => {
    await accept(probe, { delayMs: HOUR })
    assert.deepEqual(await take(probe, ANN), [])
    await accept(probe.of({ key: 'soon' }), { delayMs: 5 })
    const taken: DueClaim[] = []
    await waitFor('it to be due', async () => taken.push(...(await take(probe, ANN))) > 0)
    assert.deepEqual(keysOf(taken), ['soon'])
  }),

  inboxCase('what has been due longest is taken first, as many as asked, of this scope only', async ({ probe }) => {
    await accept(probe.of({ scope: `${probe.id.scope}*` }))
    for (const key of ['one', 'two', 'three']) {
      await accept(probe.of({ key }))
      await probe.of({ scope: `${probe.id.scope}-${key}` }).timePasses()
    }
    assert.deepEqual(
      (await take(probe, ANN, { limit: 2 })).map(({ key }) => key),
      ['one', 'two'],
    )
    assert.deepEqual(keysOf(await take(probe, BEN, { limit: 2 })), ['three'])
    assert.deepEqual(await take(probe, CLEO), [])
  }),

  inboxCase('many takers at once: each record is taken by one', async ({ probe, another }) => {
    const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`).sort()
    for (const key of keys) await accept(probe.of({ key }))
    const clients = [probe, probe.through(await another())]
    const taken: DueClaim[] = []
    const taker = async (name: number) => {
      const leaseId = `${name}`.padStart(32, '0')
      for (;;) {
        const claims = await take(clients[name % 2]!, leaseId, { limit: 3 })
        if (claims.length === 0) return
        taken.push(...claims)
      }
    }
    await waitFor('all to be taken', async () => {
      await Promise.all([0, 1, 2, 3, 4, 5].map(taker))
      return taken.length >= keys.length
    })
    assert.deepEqual(keysOf(taken), keys)
    assert.ok(taken.every(({ attempt }) => attempt === 1))
  }),

  inboxCase('a renewal moves the time it is due: a live lease is not taken', async ({ probe }) => {
    await accept(probe)
    // On a slow machine the lease may be over before the renewal gets there: then it is taken again.
    await waitFor('a renewal in time', async () => {
      await take(probe, ANN, { leaseMs: 50, maxLosses: 1000 })
      return (await probe.renew(ANN, HOUR)) === 'renewed'
    })
    const { leaseEndsAt, accepted, expiresAt } = await probe.record()
    assert.deepEqual([accepted!.dueAt, expiresAt], [leaseEndsAt, NEVER])
    await probe.timePasses()
    assert.deepEqual(await take(probe, BEN), [])
  }),

  inboxCase('an attempt whose lease is over is taken over and counted as lost', async ({ probe }) => {
    await accept(probe)
    const first = await lose(probe, ANN)
    const second = await takeOne(probe, BEN)
    assert.deepEqual([first.tookOver, second.attempt, second.tookOver], [false, 2, true])
    assertRising([first.fencingToken, second.fencingToken])
    const { losses, lastError } = await probe.record()
    assert.deepEqual([losses, lastError], [1, lostError(1)])
    assert.deepEqual(await probe.complete(ANN), { status: 'fenced' })
    assert.equal(await fail(probe, ANN), 'fenced')
    await probe.completed(BEN)
  }),

  inboxCase(
    'an attempt that did not begin is taken over, and counts neither as a loss nor in its round',
    async ({ probe }) => {
      await accept(probe)
      await abandon(probe, ANN)
      const second = await takeOne(probe, BEN, { maxLosses: 1 })
      assert.deepEqual([second.attempt, second.tookOver, second.accepted.earlierAttempts], [2, true, 1])
      const { losses, lastError, accepted } = await probe.record()
      assert.deepEqual([losses, lastError, accepted!.earlierAttempts], [0, lostError(1), 1])
      assert.deepEqual(await probe.complete(ANN), { status: 'fenced' })
      await probe.completed(BEN)
    },
  ),

  inboxCase('the same of one that a claim takes over, whose own attempt has begun', async ({ probe }) => {
    await accept(probe)
    await abandon(probe, ANN)
    assert.equal((await probe.acquire(BEN, { maxLosses: 1, leaseMs: 1 })).tookOver, true)
    const { losses, accepted } = await probe.record()
    assert.deepEqual([losses, accepted!.earlierAttempts], [0, 1])
    await waitFor('the lease to end', async () => (await probe.record()).leaseRemainingMs === 0)
    assert.equal((await takeOne(probe, CLEO)).tookOver, true)
    assert.equal((await probe.record()).losses, 1)
  }),

  inboxCase('asked again under its lease id a take gives the same, and nothing more', async ({ probe, another }) => {
    const keys = ['one', 'two', 'three']
    for (const key of keys) await accept(probe.of({ key }))
    const others = await take(probe, BEN, { limit: 1 })
    const first = await take(probe, ANN, { limit: 1 })
    const again = await take(probe.through(await another()), ANN, { limit: 1, again: true })
    const byKey = (claims: DueClaim[]) =>
      claims
        .map(({ key, attempt, fencingToken, acceptedAt, delivery }) => [
          key,
          attempt,
          fencingToken,
          acceptedAt,
          textOf(delivery),
        ])
        .sort()
    assert.deepEqual(byKey(again), byKey(first))
    assert.deepEqual(keysOf([...others, ...first, ...(await take(probe, CLEO))]), keys.sort())
  }),

  inboxCase('asked again under a lease id that holds nothing a take gives what is due', async ({ probe }) => {
    await accept(probe)
    await abandon(probe, ANN)
    const { attempt, tookOver } = await takeOne(probe, ANN, { again: true })
    assert.deepEqual([attempt, tookOver], [2, true])
    await probe.completed(ANN)
    assert.deepEqual(await take(probe, ANN, { again: true }), [])
  }),

  inboxCase('an attempt that is late but not taken over may complete', async ({ probe }) => {
    await accept(probe)
    await lose(probe, ANN)
    await probe.completed(ANN)
    assert.deepEqual(await take(probe, BEN), [])
  }),

  inboxCase('a record dies of lost attempts, and says so', async ({ probe }) => {
    await accept(probe)
    await lose(probe, ANN)
    await lose(probe, BEN)
    assert.deepEqual(await take(probe, CLEO, { maxLosses: 2 }), [])
    const { state, losses, lastError, accepted, expiresAt, settledAt } = await probe.record()
    assert.deepEqual([state, losses, lastError, accepted!.dueAt], ['dead', 2, LOST_ERROR, null])
    assertSpan(settledAt!, expiresAt, HOUR)
    assert.deepEqual(await probe.complete(BEN), { status: 'fenced' })
  }),

  inboxCase('a claim takes a pending record whether due or not; a dead one is exhausted', async ({ probe }) => {
    await accept(probe, { delayMs: 2 * HOUR })
    assert.equal((await probe.acquire(ANN)).attempt, 1)
    const { leaseEndsAt, accepted, expiresAt } = await probe.record()
    assert.deepEqual([accepted!.dueAt, expiresAt], [leaseEndsAt, NEVER])
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
    assert.equal((await probe.claim(BEN)).status, 'exhausted')
  }),

  inboxCase('a duplicate claim of an accepted record that completed finds its result', async ({ probe }) => {
    await bring.completed(probe)
    const outcome = await probe.claim(BEN)
    assert.equal(outcome.status === 'completed' && textOf(outcome.result), 'result')
  }),
]
