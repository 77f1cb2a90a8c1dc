import assert from 'node:assert/strict'
import {
  type AcceptOutcome,
  type AcceptRequest,
  type ClaimDueRequest,
  type DueClaim,
  type InboxStore,
  LOST_ERROR,
} from '../inbox-store.js'
import { NEVER, type StoredRecord } from '../store.js'
import { type Bench, behaviour, type StoreCase } from './harness.js'
import { ANN, assertRising, assertSpan, BEN, CLEO, DAN, HOUR, ONE, type Probe, TWO, textOf, waitFor } from './probe.js'

const inboxCase = (name: string, check: (bench: Bench) => Promise<void>): StoreCase => behaviour(name, check, 'inbox')

const storeOf = (probe: Probe): InboxStore => probe.store as InboxStore

/** Accepts the record of the probe, in no group and due at once unless said otherwise. */
function accept(probe: Probe, request: Partial<AcceptRequest> = {}): Promise<AcceptOutcome> {
  return storeOf(probe).accept({
    ...probe.id,
    fingerprint: null,
    acceptId: DAN,
    delivery: Buffer.from('delivery'),
    retentionMs: HOUR,
    delayMs: 0,
    group: null,
    ...request,
  })
}

function take(probe: Probe, leaseId: string, request: Partial<ClaimDueRequest> = {}): Promise<DueClaim[]> {
  const { scope } = probe.id
  return storeOf(probe).claimDue({
    scope,
    limit: 10,
    leaseId,
    leaseMs: HOUR,
    lockTtlMs: HOUR,
    maxLosses: 10,
    ...request,
  })
}

async function takeOne(probe: Probe, leaseId: string, request?: Partial<ClaimDueRequest>): Promise<DueClaim> {
  const claims = await take(probe, leaseId, request)
  assert.deepEqual(
    claims.map(({ key }) => key),
    [probe.id.key],
  )
  return claims[0]!
}

const fail = (probe: Probe, leaseId: string, next?: { dueInMs: number } | 'dead') =>
  storeOf(probe).fail(probe.id, leaseId, 'it broke', next)

const redrive = (probe: Probe, completed = false) => storeOf(probe).redrive(probe.id, { completed })

/** Takes the record and lets its lease end. */
async function lose(probe: Probe, leaseId: string, request?: Partial<ClaimDueRequest>): Promise<DueClaim> {
  const claim = await takeOne(probe, leaseId, { leaseMs: 1, ...request })
  await waitFor('the lease to end', async () => (await probe.record()).leaseRemainingMs === 0)
  return claim
}

const keysOf = (claims: { key: string }[]) => claims.map(({ key }) => key).sort()

/** Brings an accepted record into a state. */
const bring: Record<StoredRecord['state'], (probe: Probe) => Promise<unknown>> = {
  pending: async probe => accept(probe, { fingerprint: ONE, delayMs: HOUR }),
  running: async probe => {
    await accept(probe, { fingerprint: ONE })
    await takeOne(probe, ANN)
  },
  completed: async probe => {
    await bring.running(probe)
    await probe.completed(ANN)
  },
  failed: async probe => {
    await bring.running(probe)
    await fail(probe, ANN, { dueInMs: HOUR })
  },
  dead: async probe => {
    await bring.running(probe)
    await fail(probe, ANN, 'dead')
  },
}
const states = Object.keys(bring) as StoredRecord['state'][]

const accepting: readonly StoreCase[] = [
  inboxCase('an accepted record is pending, with what was accepted, and does not expire', async ({ probe }) => {
    const outcome = await accept(probe, { fingerprint: ONE, delayMs: HOUR })
    const { createdAt, accepted, delivery, ...rest } = await probe.record()
    assert.deepEqual(outcome, { status: 'accepted', acceptedAt: createdAt })
    assertSpan(createdAt, accepted!.dueAt!, HOUR)
    assert.deepEqual({ ...accepted, dueAt: null }, { dueAt: null, group: null, round: 1, earlierAttempts: 0 })
    assert.equal(textOf(delivery!), 'delivery')
    assert.deepEqual(rest, {
      ...probe.id,
      state: 'pending',
      fingerprint: ONE,
      attempts: 0,
      losses: 0,
      leaseId: DAN,
      fencingToken: '0',
      claimedAt: createdAt,
      leaseEndsAt: createdAt,
      leaseRemainingMs: 0,
      settledAt: null,
      expiresAt: NEVER,
      lastError: null,
      result: null,
    })
  }),

  ...states.map(state =>
    inboxCase(`what is accepted again is known and unchanged: ${state}`, async ({ probe }) => {
      await bring[state](probe)
      const { leaseRemainingMs: _, ...before } = await probe.record()
      const again = await accept(probe, { acceptId: CLEO, delivery: Buffer.from('other'), retentionMs: 1, group: 'g' })
      assert.deepEqual(again, { status: 'known', state, acceptedAt: before.createdAt })
      const { leaseRemainingMs: __, ...after } = await probe.record()
      assert.deepEqual(after, before)
    }),
  ),

  ...states.map(state =>
    inboxCase(`an acceptance under another fingerprint is a mismatch: ${state}`, async ({ probe }) => {
      await bring[state](probe)
      assert.deepEqual(await accept(probe, { acceptId: CLEO, fingerprint: TWO }), { status: 'mismatch' })
    }),
  ),

  inboxCase('an acceptance that was sent twice is accepted again, once attempted it is known', async ({ probe }) => {
    const first = await accept(probe)
    assert.deepEqual(await accept(probe), first)
    assert.equal((await take(probe, ANN)).length, 1)
    assert.equal((await accept(probe)).status, 'known')
  }),

  inboxCase('a record that was claimed, not accepted, is known and not queued', async ({ probe }) => {
    await probe.acquire(ANN)
    await probe.fail(ANN)
    assert.equal((await accept(probe)).status, 'known')
    assert.deepEqual(await take(probe, BEN), [])
    assert.equal(await redrive(probe), 'absent')
    assert.equal((await probe.record()).accepted, undefined)
  }),

  inboxCase('of many acceptances at once one is accepted', async ({ probe, another }) => {
    const clients = [probe, probe.through(await another())]
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => accept(clients[i % 2]!, { acceptId: `${i}`.padStart(32, '0') })),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'accepted').length, 1)
    assert.equal((await take(probe, ANN)).length, 1)
  }),

  inboxCase('deliveries of no bytes and of a megabyte of any bytes are kept as they are', async ({ probe }) => {
    const big = Buffer.alloc(1_048_576, Buffer.from([0, 255, 10, 0x80, 0xc3, 0x28]))
    for (const delivery of [Buffer.alloc(0), big]) {
      const one = probe.of({ key: `${delivery.length}` })
      await accept(one, { delivery })
      assert.ok(Buffer.from((await one.record()).delivery!).equals(delivery))
      assert.ok(Buffer.from((await takeOne(one, ANN)).delivery).equals(delivery))
      await one.completed(ANN, '')
      assert.ok(Buffer.from((await one.record()).delivery!).equals(delivery))
    }
  }),
]

const taking: readonly StoreCase[] = [
  inboxCase('a due record is taken as its first attempt, with what was accepted', async ({ probe }) => {
    await accept(probe)
    const { acceptedAt, accepted, delivery, fencingToken, ...rest } = await takeOne(probe, ANN)
    assert.deepEqual(rest, { ...probe.id, attempt: 1 })
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
    assert.equal(second.attempt, 2)
    assertRising([first.fencingToken, second.fencingToken])
    assert.equal((await probe.record()).losses, 1)
    assert.deepEqual(await probe.complete(ANN), { status: 'fenced' })
    assert.equal(await fail(probe, ANN), 'fenced')
    await probe.completed(BEN)
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

const settling: readonly StoreCase[] = [
  inboxCase('completion settles: nothing is due, retention begins', async ({ probe }) => {
    await accept(probe, { retentionMs: 2 * HOUR })
    await takeOne(probe, ANN)
    const completedAt = await probe.completed(ANN, 'done')
    const { state, accepted, expiresAt, result } = await probe.record()
    assert.deepEqual([state, accepted!.dueAt, textOf(result)], ['completed', null, 'done'])
    assertSpan(completedAt, expiresAt, 2 * HOUR)
  }),

  inboxCase('a failure says when the next attempt is due; the record does not expire before', async ({ probe }) => {
    await accept(probe, { retentionMs: 1 })
    await takeOne(probe, ANN)
    assert.equal(await fail(probe, ANN, { dueInMs: HOUR }), 'failed')
    const { state, settledAt, accepted, expiresAt, lastError } = await probe.record()
    assert.deepEqual([state, expiresAt, lastError], ['failed', NEVER, 'it broke'])
    assertSpan(settledAt!, accepted!.dueAt!, HOUR)
    assert.deepEqual(await take(probe, BEN), [])
    assert.equal(await fail(probe, ANN, { dueInMs: 0 }), 'failed')
    assert.deepEqual(await take(probe, BEN), [])
  }),

  inboxCase('a failure that says nothing more is due again at once', async ({ probe }) => {
    await accept(probe)
    await takeOne(probe, ANN)
    await probe.fail(ANN)
    const again = await takeOne(probe, BEN)
    assert.equal(again.attempt, 2)
    assert.equal((await probe.record()).losses, 0)
  }),

  inboxCase('a dead record is kept for its retention and never taken', async ({ probe }) => {
    await accept(probe, { retentionMs: HOUR })
    await takeOne(probe, ANN)
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
    const { state, settledAt, accepted, expiresAt } = await probe.record()
    assert.deepEqual([state, accepted!.dueAt], ['dead', null])
    assertSpan(settledAt!, expiresAt, HOUR)
    assert.deepEqual(await take(probe, BEN), [])
  }),

  inboxCase('a claimed record fails as ever, whatever is to come next', async ({ probe }) => {
    await probe.acquire(ANN)
    assert.equal(await fail(probe, ANN, 'dead'), 'failed')
    assert.equal((await probe.record()).state, 'failed')
    assert.equal((await probe.acquire(BEN)).attempt, 2)
  }),

  inboxCase(
    'a pending record is nobody’s attempt: it is neither completed nor failed nor renewed',
    async ({ probe }) => {
      await accept(probe)
      assert.deepEqual(await probe.complete(DAN), { status: 'fenced' })
      assert.equal(await fail(probe, DAN), 'fenced')
      assert.equal(await probe.renew(DAN), 'lost')
      assert.equal((await probe.record()).state, 'pending')
    },
  ),

  inboxCase('settled records expire after their retention and can be accepted anew', async ({ probe }) => {
    for (const settle of [(one: Probe) => one.completed(ANN), (one: Probe) => fail(one, ANN, 'dead')]) {
      await accept(probe, { retentionMs: 1 })
      await takeOne(probe, ANN)
      await settle(probe)
      await probe.gone()
      assert.equal((await accept(probe, { acceptId: CLEO, retentionMs: 1 })).status, 'accepted')
      assert.equal((await probe.record()).attempts, 0)
      await probe.delete({ force: true })
    }
  }),

  inboxCase('a deleted record is not taken; one that runs is refused unless forced', async ({ probe }) => {
    await accept(probe)
    assert.equal(await probe.delete(), 'deleted')
    assert.deepEqual(await take(probe, ANN), [])
    await accept(probe)
    await takeOne(probe, ANN)
    assert.equal(await probe.delete(), 'running')
    assert.equal(await probe.delete({ force: true }), 'deleted')
    assert.deepEqual(await probe.complete(ANN), { status: 'fenced' })
  }),
]

const redriving: readonly StoreCase[] = [
  ...(['dead', 'completed'] as const).map(state =>
    inboxCase(`a ${state} record is redriven: a new round, one result`, async ({ probe }) => {
      await bring[state](probe)
      assert.equal(await redrive(probe, state === 'completed'), 'redriven')
      const { accepted, attempts, settledAt, result, expiresAt, losses, ...record } = await probe.record()
      assert.deepEqual(
        [record.state, attempts, settledAt, result, expiresAt, losses],
        ['pending', 1, null, null, NEVER, 0],
      )
      assert.deepEqual({ ...accepted, dueAt: null }, { dueAt: null, group: null, round: 2, earlierAttempts: 1 })
      assert.deepEqual(await probe.complete(ANN), { status: 'fenced' })
      const claim = await takeOne(probe, BEN)
      assert.deepEqual([claim.attempt, claim.accepted.round, claim.accepted.earlierAttempts], [2, 2, 1])
      await probe.completed(BEN, 'the second')
      assert.equal(textOf((await probe.record()).result), 'the second')
    }),
  ),

  ...(['pending', 'running', 'failed'] as const).map(state =>
    inboxCase(`a ${state} record is busy, and redriving changes nothing`, async ({ probe }) => {
      await bring[state](probe)
      const { leaseRemainingMs: _, ...before } = await probe.record()
      assert.equal(await redrive(probe), 'busy')
      const { leaseRemainingMs: __, ...after } = await probe.record()
      assert.deepEqual(after, before)
    }),
  ),

  inboxCase('a completed record is redriven only if that is said', async ({ probe }) => {
    await bring.completed(probe)
    const before = await probe.record()
    assert.equal(await redrive(probe), 'completed')
    assert.deepEqual(await probe.record(), before)
  }),

  inboxCase('after a redrive losses are counted anew', async ({ probe }) => {
    await accept(probe)
    await lose(probe, ANN)
    await takeOne(probe, BEN)
    await fail(probe, BEN, 'dead')
    await redrive(probe)
    assert.equal((await probe.record()).losses, 0)
    assert.equal((await takeOne(probe, CLEO, { maxLosses: 1 })).attempt, 3)
  }),

  inboxCase('what is not there cannot be redriven', async ({ probe }) => {
    assert.equal(await redrive(probe), 'absent')
  }),
]

const ordering: readonly StoreCase[] = [
  inboxCase('a record of a group says so, and is taken with it', async ({ probe }) => {
    await accept(probe, { group: 'g' })
    assert.equal((await probe.record()).accepted!.group, 'g')
    assert.equal((await takeOne(probe, ANN)).accepted.group, 'g')
  }),

  inboxCase('of a group one at a time is taken, in the order of acceptance, failures included', async ({ probe }) => {
    const keys = ['zeta', 'alpha', 'mid']
    for (const key of keys) await accept(probe.of({ key }), { group: 'g' })
    const order: string[] = []
    for (let attempt = 0; order.length < keys.length; attempt++) {
      const claims = await take(probe, ANN)
      assert.equal(claims.length, 1)
      const one = probe.of(claims[0]!)
      assert.deepEqual(await take(probe, BEN), [])
      if (attempt % 2 === 0) {
        await fail(one, ANN, { dueInMs: 0 })
        continue
      }
      await one.completed(ANN)
      order.push(one.id.key)
    }
    assert.deepEqual(order, keys)
  }),

  inboxCase('a failed head of a group holds back the rest until it is due, dead or deleted', async ({ probe }) => {
    for (const key of ['one', 'two', 'three']) await accept(probe.of({ key }), { group: 'g' })
    await takeOne(probe.of({ key: 'one' }), ANN)
    await fail(probe.of({ key: 'one' }), ANN, { dueInMs: HOUR })
    assert.deepEqual(await take(probe, BEN), [])
    await probe.of({ key: 'one' }).delete()
    await takeOne(probe.of({ key: 'two' }), BEN)
    await fail(probe.of({ key: 'two' }), BEN, 'dead')
    await takeOne(probe.of({ key: 'three' }), CLEO)
  }),

  inboxCase('groups do not wait for each other, nor for what has none', async ({ probe }) => {
    for (const [key, group] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
      ['free 1', null],
      ['free 2', null],
    ] as const) {
      await accept(probe.of({ key }), { group })
    }
    assert.deepEqual(keysOf(await take(probe, ANN)), ['a1', 'b1', 'free 1', 'free 2'])
  }),

  inboxCase('a group of one scope has nothing to do with that of another', async ({ probe }) => {
    const elsewhere = probe.of({ scope: `${probe.id.scope}*` })
    await accept(elsewhere, { group: 'g' })
    await accept(probe, { group: 'g' })
    await takeOne(probe, ANN)
    await takeOne(elsewhere, BEN)
  }),
]

const logging: readonly StoreCase[] = [
  inboxCase('a list of accepted records is newest first, by time and state', async ({ probe }) => {
    const keys = ['one', 'two', 'three', 'four']
    await probe.of({ key: 'claimed' }).acquire(ANN)
    const times: number[] = []
    for (const key of keys) {
      await accept(probe.of({ key }))
      times.push((await probe.of({ key }).record()).createdAt)
      await probe.of({ scope: `${probe.id.scope}-${key}` }).timePasses()
    }
    await takeOne(probe.of({ key: 'one' }), ANN, { limit: 1 })
    const { scope } = probe.id
    const listed = async (query: object) => {
      const found: string[] = []
      for (let after: string | undefined, pages = 0; pages < 100; pages++) {
        const page = await probe.store.list({ scope, accepted: true, limit: 3, ...query, ...(after && { after }) })
        found.push(...page.records.map(({ key }) => key))
        if (page.next === undefined) return found
        after = page.next
      }
      assert.fail('the pages never end')
    }
    assert.deepEqual(await listed({}), ['four', 'three', 'two', 'one'])
    assert.deepEqual(await listed({ limit: 1 }), ['four', 'three', 'two', 'one'])
    assert.deepEqual(await listed({ state: 'pending' }), ['four', 'three', 'two'])
    assert.deepEqual(await listed({ state: 'running' }), ['one'])
    assert.deepEqual(await listed({ since: times[1], until: times[3] }), ['three', 'two'])
    assert.deepEqual(await listed({ since: times[3]! + 1 }), [])
  }),
]

/** What an {@link InboxStore} does besides. */
export const inboxCases: readonly StoreCase[] = [
  ...accepting,
  ...taking,
  ...settling,
  ...redriving,
  ...ordering,
  ...logging,
]
