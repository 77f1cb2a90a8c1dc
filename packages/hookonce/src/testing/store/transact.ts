import assert from 'node:assert/strict'
import { StoreError } from '../../errors.js'
import type { CompleteOutcome, TransactionalStore } from '../../stores/store.js'
import { type Bench, behaviour, type Effects, type StoreCase } from './harness.js'
import { ANN, BEN, type Probe, textOf } from './probe.js'

type AnyTransactional = TransactionalStore<unknown, 'async' | 'sync'>

/** The record's own effect. */
const effectOf = ({ id }: Probe) => JSON.stringify([id.scope, id.key])

class Transactor {
  readonly effects: Effects
  runs = 0

  constructor(effects: Effects) {
    this.effects = effects
  }

  /** Writes the record's effect, runs `then` and returns the result. `then` must be synchronous if the work must. */
  transact(
    probe: Probe,
    leaseId: string,
    result: Uint8Array | string = 'result',
    then: () => void | Promise<void> = () => {},
  ): Promise<CompleteOutcome> {
    const store = probe.store as AnyTransactional
    const bytes = typeof result === 'string' ? Buffer.from(result) : result
    const workInOneGo = (tx: unknown): Uint8Array => {
      this.runs++
      this.effects.write(tx, effectOf(probe))
      then()
      return bytes
    }
    const workThatWaits = async (tx: unknown): Promise<Uint8Array> => {
      this.runs++
      await this.effects.write(tx, effectOf(probe))
      await then()
      return bytes
    }
    return store.transactions === 'sync'
      ? (store as TransactionalStore<unknown, 'sync'>).transact(probe.id, leaseId, workInOneGo)
      : (store as TransactionalStore<unknown, 'async'>).transact(probe.id, leaseId, workThatWaits)
  }

  /** Transacts, and returns when. Fails if the store refuses. */
  async transacted(...given: Parameters<Transactor['transact']>): Promise<number> {
    const outcome = await this.transact(...given)
    assert.ok(outcome.status === 'completed', 'the transaction is committed')
    return outcome.completedAt
  }

  count(probe: Probe): Promise<number> {
    return this.effects.count(effectOf(probe))
  }
}

interface TransactBench extends Bench {
  transactor: Transactor
}

const transactional =
  (needs: 'transactions' | 'waitingWork') =>
  (name: string, check: (bench: TransactBench) => Promise<void>): StoreCase =>
    behaviour(name, bench => check({ ...bench, transactor: new Transactor(bench.effects) }), needs)

const inOneTransaction = transactional('transactions')
const whileWorkWaits = transactional('waitingWork')

/** Ways in which an attempt with an expired lease loses the key for good. */
const endings: Record<string, (probe: Probe) => Promise<unknown>> = {
  'was taken over': probe => probe.acquire(BEN),
  'was taken over and the other completed': async probe => {
    await probe.acquire(BEN)
    await probe.complete(BEN, 'the other')
  },
  'has failed': probe => probe.fail(ANN),
  'lost its record': probe => probe.delete({ force: true }),
  'lost its record, and the key was claimed anew': async probe => {
    await probe.delete({ force: true })
    await probe.acquire(BEN)
  },
}

const results: Record<string, () => Uint8Array> = {
  'of no bytes': () => new Uint8Array(),
  'of a mebibyte': () => Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) >> 3),
  'that is a window into a larger buffer': () => Buffer.from('secret<result>secret').subarray(6, 14),
}

const bothIn = ({ another, probe }: Bench) => another().then(store => [probe, probe.through(store)] as const)

export const transactCases: readonly StoreCase[] = [
  inOneTransaction('an effect and the result stand together', async ({ probe, transactor }) => {
    await probe.acquire(ANN)
    const completedAt = await transactor.transacted(probe, ANN, 'done')
    assert.equal(await transactor.count(probe), 1)
    const { state, settledAt, result } = await probe.record()
    assert.deepEqual([state, settledAt, textOf(result)], ['completed', completedAt, 'done'])
    assert.equal((await probe.claim(BEN)).status, 'completed')
  }),

  ...Object.entries(results).map(([kind, make]) =>
    inOneTransaction(`a transaction's result ${kind} comes back byte for byte`, async ({ probe, transactor }) => {
      await probe.acquire(ANN)
      await transactor.transacted(probe, ANN, make())
      assert.ok(Buffer.from((await probe.record()).result!).equals(make()))
    }),
  ),

  ...[new Error('it broke'), 'a string', undefined].map(thrown =>
    inOneTransaction(`work that throws (${thrown}) leaves neither effect nor result`, async ({ probe, transactor }) => {
      await probe.acquire(ANN)
      const before = await probe.record()
      const transaction = transactor.transact(probe, ANN, 'result', () => {
        throw thrown
      })
      const rejection = await transaction.then(
        () => assert.fail('it was committed'),
        (error: unknown) => [error],
      )
      assert.deepEqual(rejection, [thrown])
      assert.equal(rejection[0], thrown)
      assert.equal(await transactor.count(probe), 0)
      assert.deepEqual({ ...(await probe.record()), leaseRemainingMs: 0 }, { ...before, leaseRemainingMs: 0 })
    }),
  ),

  inOneTransaction('after work that threw, the attempt may transact, or fail', async ({ probe, transactor }) => {
    const failing = probe.of({ key: 'failing' })
    for (const one of [probe, failing]) {
      await one.acquire(ANN)
      const broken = transactor.transact(one, ANN, 'result', () => {
        throw new Error('it broke')
      })
      await assert.rejects(broken, { message: 'it broke' })
    }
    await transactor.transacted(probe, ANN)
    assert.equal(await transactor.count(probe), 1)
    assert.equal(await failing.fail(ANN), 'failed')
    assert.equal(await transactor.count(failing), 0)
  }),

  ...Object.entries(endings).map(([ending, end]) =>
    inOneTransaction(
      `an attempt that ${ending} leaves no effect and changes nothing`,
      async ({ probe, transactor }) => {
        await probe.abandon(ANN)
        await end(probe)
        const before = await probe.get()
        assert.deepEqual(await transactor.transact(probe, ANN, 'stale'), { status: 'fenced' })
        assert.equal(await transactor.count(probe), 0)
        const after = await probe.get()
        assert.deepEqual(after && { ...after, leaseRemainingMs: 0 }, before && { ...before, leaseRemainingMs: 0 })
      },
    ),
  ),

  inOneTransaction('without a record there is no transaction', async ({ probe, transactor }) => {
    assert.deepEqual(await transactor.transact(probe, ANN), { status: 'fenced' })
    assert.equal(await transactor.count(probe), 0)
    assert.equal(await probe.get(), undefined)
  }),

  inOneTransaction('a late transaction stands as long as nobody took over', async ({ probe, transactor }) => {
    await probe.abandon(ANN)
    await transactor.transacted(probe, ANN, 'late')
    assert.equal(await transactor.count(probe), 1)
    const outcome = await probe.claim(BEN)
    assert.equal(outcome.status === 'completed' && textOf(outcome.result), 'late')
  }),

  inOneTransaction('an expired record is absent to a transaction', async ({ probe, transactor }) => {
    await probe.acquire(ANN, { leaseMs: 1, lockTtlMs: 1, retentionMs: 1 })
    await probe.gone()
    assert.deepEqual(await transactor.transact(probe, ANN), { status: 'fenced' })
    assert.equal(await transactor.count(probe), 0)
  }),

  inOneTransaction('a transaction that is asked for again is accepted and not run', async ({ probe, transactor }) => {
    await probe.acquire(ANN)
    const completedAt = await transactor.transacted(probe, ANN, 'first')
    assert.equal(await transactor.transacted(probe, ANN, 'second'), completedAt)
    assert.deepEqual([transactor.runs, await transactor.count(probe)], [1, 1])
    assert.equal(textOf((await probe.record()).result), 'first')
  }),

  inOneTransaction('what is completed already is not transacted', async ({ probe, transactor }) => {
    await probe.acquire(ANN)
    const completedAt = await probe.completed(ANN)
    assert.equal(await transactor.transacted(probe, ANN), completedAt)
    assert.deepEqual([transactor.runs, await transactor.count(probe)], [0, 0])
  }),

  inOneTransaction('an effect is not to be seen before its result is', async ({ probe, transactor }) => {
    let seen: Promise<number> | undefined
    await probe.acquire(ANN)
    await transactor.transacted(probe, ANN, 'done', () => {
      seen = transactor.count(probe)
      return seen.then(() => {})
    })
    assert.equal(await seen, 0)
    assert.equal(await transactor.count(probe), 1)
  }),

  inOneTransaction('one transaction asked for many times at once has one effect', async bench => {
    const { probe, transactor } = bench
    const clients = await bothIn(bench)
    await probe.acquire(ANN)
    const transactions = Array.from({ length: 8 }, (_, i) => transactor.transacted(clients[i % 2]!, ANN, `result ${i}`))
    assert.equal(new Set(await Promise.all(transactions)).size, 1)
    assert.equal(await transactor.count(probe), 1)
  }),

  inOneTransaction('an attempt and its successor at once: the effect of the one that holds the key', async bench => {
    const clients = await bothIn(bench)
    for (let i = 0; i < 5; i++) {
      const [stale, holder] = clients.map(client => client.of({ key: `key ${i}` })) as [Probe, Probe]
      await stale.abandon(ANN)
      await holder.acquire(BEN)
      const outcomes = [bench.transactor.transact(stale, ANN, 'stale'), bench.transactor.transact(holder, BEN, 'next')]
      const [first, second] = await Promise.all(outcomes)
      assert.deepEqual([first!.status, second!.status], ['fenced', 'completed'])
      assert.equal(await bench.transactor.count(holder), 1)
      assert.equal(textOf((await holder.record()).result), 'next')
    }
  }),

  inOneTransaction('a late transaction and a takeover at once: one of them wins, never both', async bench => {
    const clients = await bothIn(bench)
    for (let i = 0; i < 10; i++) {
      const [late, next] = clients.map(client => client.of({ key: `key ${i}` })) as [Probe, Probe]
      await late.abandon(ANN)
      const [transaction, claim] = await Promise.all([bench.transactor.transact(late, ANN), next.claim(BEN)])
      assert.equal(transaction.status, claim.status === 'acquired' ? 'fenced' : 'completed')
      assert.equal(await bench.transactor.count(late), claim.status === 'acquired' ? 0 : 1)
    }
  }),

  inOneTransaction('a transaction and a completion of one attempt at once are one result', async bench => {
    const clients = await bothIn(bench)
    for (let i = 0; i < 10; i++) {
      const [one, two] = clients.map(client => client.of({ key: `key ${i}` })) as [Probe, Probe]
      await one.acquire(ANN)
      const transaction = bench.transactor.transacted(one, ANN, 'with effect')
      const completion = two.completed(ANN, 'without')
      assert.equal(await transaction, await completion)
      const standing = textOf((await one.record()).result)
      assert.equal(await bench.transactor.count(one), standing === 'with effect' ? 1 : 0)
    }
  }),

  inOneTransaction('transactions of many records at once all stand', async ({ probe, transactor }) => {
    const probes = Array.from({ length: 30 }, (_, i) => probe.of({ key: `key ${i}` }))
    await Promise.all(probes.map(one => one.acquire(ANN)))
    await Promise.all(probes.map(one => transactor.transacted(one, ANN)))
    for (const one of probes) assert.equal(await transactor.count(one), 1)
  }),

  inOneTransaction('a renewal asked for while the work runs has its answer', async ({ probe, transactor }) => {
    let renewal: Promise<'renewed' | 'lost'> | undefined
    await probe.acquire(ANN)
    await transactor.transacted(probe, ANN, 'done', () => {
      renewal = probe.renew(ANN)
    })
    assert.match((await renewal)!, /^(renewed|lost)$/)
    assert.equal(textOf((await probe.record()).result), 'done')
  }),

  inOneTransaction('a closed store begins no transaction', async ({ probe, transactor }) => {
    await probe.acquire(ANN)
    await probe.store.close()
    const isRefused = (error: unknown) => error instanceof StoreError && error.effect === 'refused'
    await assert.rejects(transactor.transact(probe, ANN), isRefused)
    assert.deepEqual([transactor.runs, await transactor.count(probe)], [0, 0])
  }),

  inOneTransaction('a store says whether its work may wait', async ({ probe, mayWait }) => {
    assert.equal((probe.store as AnyTransactional).transactions, mayWait ? 'async' : 'sync')
  }),

  whileWorkWaits('work that waits keeps no renewal from its lease', async ({ probe, transactor }) => {
    await probe.acquire(ANN)
    await transactor.transacted(probe, ANN, 'done', async () => assert.equal(await probe.renew(ANN), 'renewed'))
    assert.equal(await transactor.count(probe), 1)
  }),

  ...Object.entries(endings).map(([ending, end]) =>
    whileWorkWaits(`an attempt that ${ending} while its work waits leaves no effect`, async ({ probe, transactor }) => {
      await probe.abandon(ANN)
      const outcome = await transactor.transact(probe, ANN, 'stale', async () => {
        await end(probe)
      })
      assert.deepEqual(outcome, { status: 'fenced' })
      assert.equal(await transactor.count(probe), 0)
      const record = await probe.get()
      assert.notEqual(record?.result && textOf(record.result), 'stale')
    }),
  ),
]
