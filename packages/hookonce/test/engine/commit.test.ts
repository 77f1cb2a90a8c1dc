import { createIdempotency, type Store, StoreError } from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { beforeEach, expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import { clock, deferred, engine, events, id, idempotencyOf, store, storeWith, timing } from '../support/engine.js'
import { type Transactional, transactional } from '../support/transactional.js'

let transactions: Transactional<'async'>
beforeEach(() => {
  transactions = transactional(store, 'async')
})

const committing = (over: Store = transactions.store) =>
  createIdempotency({ store: over as Transactional<'async'>['store'], clock })

const engineOf = () => engine({ store: transactions.store })

test('effects and result stand together, and the result is replayed', async () => {
  const idempotency = committing()
  const run = () =>
    idempotency.run(id, attempt =>
      attempt.commit(async tx => {
        tx.write(`attempt ${attempt.number}`)
        return { paid: 1 }
      }),
    )
  expect(await run()).toEqual({ value: { paid: 1 }, replayed: false })
  expect(await run()).toEqual({ value: { paid: 1 }, replayed: true })
  expect(transactions.ledger).toEqual(['attempt 1'])
})

test('a store without transactions offers no commit', async () => {
  await createIdempotency({ store: memoryStore() }).run(id, attempt => {
    // @ts-expect-error: the types know it too
    expect(attempt.commit).toBeUndefined()
  })
})

test('what the work does after its commit changes nothing', async () => {
  const idempotency = committing()
  const work = (end: () => unknown) =>
    idempotency.run({ ...id, key: String(end) }, async attempt => {
      await attempt.commit(() => 'committed')
      return end()
    })
  expect((await work(() => 'another')).value).toBe('committed')
  expect((await work(() => Promise.reject(new Error('late')))).value).toBe('committed')
})

test('a commit that the work does not wait for decides nevertheless', async () => {
  const go = deferred()
  const run = committing().run<unknown>(id, attempt => {
    void attempt.commit(async tx => {
      await go.promise
      tx.write('done')
      return 'committed'
    })
    return 'returned'
  })
  go.resolve()
  expect((await run).value).toBe('committed')
  expect(transactions.ledger).toEqual(['done'])
})

test('what the effects throw rolls back and fails the attempt; the next one may commit', async () => {
  const idempotency = committing()
  const work = (fail: boolean) =>
    idempotency.run(id, attempt =>
      attempt.commit(async tx => {
        tx.write(`attempt ${attempt.number}`)
        if (fail) throw new Error('no such account')
        return 'paid'
      }),
    )
  await expect(work(true)).rejects.toThrow('no such account')
  expect((await store.get(id))?.lastError).toBe('Error: no such account')
  expect((await work(false)).value).toBe('paid')
  expect(transactions.ledger).toEqual(['attempt 2'])
})

test('a result that is not to be recorded rolls back and is given back', async () => {
  const outcome = await engineOf().process<string>({ ...id, fingerprint: null, timing }, async (_, commit) => {
    const value = await commit!(tx => {
      ;(tx as { write(entry: string): void }).write('effect')
      return { value: 'not final' }
    })
    return { value, result: Buffer.from(value) }
  })
  expect(outcome).toEqual({ kind: 'given_back', joined: false, value: 'not final' })
  expect(transactions.ledger).toEqual([])
  expect((await store.get(id))?.state).toBe('failed')
})

test('an attempt commits once', async () => {
  const idempotency = committing()
  const { value } = await idempotency.run(id, async attempt => {
    await attempt.commit(() => 'first')
    await expect(attempt.commit(() => 'second')).rejects.toThrow('an attempt commits once')
  })
  expect(value).toBe('first')
})

test('the commit of an attempt that was taken over is refused, its effects with it', async () => {
  const deaf = transactional(storeWith({ renew: async () => 'renewed' }), 'async')
  const begun = deferred()
  const go = deferred()
  let refused: unknown
  const stale = committing(deaf.store).run(id, attempt =>
    attempt
      .commit(async tx => {
        tx.write('stale')
        begun.resolve()
        await go.promise
        return 'stale'
      })
      .catch(error => {
        refused = error
      }),
  )
  await begun.promise
  await clock.advance(timing.leaseMs)
  expect((await committing().run(id, attempt => attempt.commit(() => 'fresh'))).value).toBe('fresh')
  go.resolve()
  expect(await stale).toEqual({ value: 'fresh', replayed: true })
  expect(refused).toMatchObject({ code: 'ERR_NO_RESULT', reason: 'attempt_lost' })
  expect(deaf.ledger).toEqual([])
  expect(events).toContainEqual(expect.objectContaining({ type: 'result_refused', ...id, attempt: 1 }))
})

test('an attempt that lost its lease cannot begin a commit', async () => {
  const away = transactional(storeWith({ renew: async () => 'lost' }), 'async')
  const idempotency = committing(away.store)
  let refused: unknown
  const go = deferred()
  void idempotency
    .run(id, async attempt => {
      await go.promise
      await attempt
        .commit(() => 'too late')
        .catch(error => {
          refused = error
        })
    })
    .catch(() => {})
  await clock.advance(timing.leaseMs)
  go.resolve()
  await idempotency.settled()
  expect(refused).toMatchObject({ reason: 'attempt_lost' })
})

test('the lease is renewed while effects are under way', async () => {
  const go = deferred()
  const idempotency = committing()
  const run = idempotency.run(id, attempt => attempt.commit(() => go.promise.then(() => 'slow')))
  await clock.advance(3 * timing.leaseMs)
  const other = idempotencyOf().run(id, () => 'other')
  go.resolve()
  expect((await run).value).toBe('slow')
  await clock.advance(1_000)
  expect(await other).toEqual({ value: 'slow', replayed: true })
})

test('a store that cannot be reached: 503 for the client, the key given back', async () => {
  const transact = async () => Promise.reject(new StoreError('cut off', 'unknown'))
  const away = Object.assign(Object.create(transactions.store), { transact })
  await expect(committing(away).run(id, attempt => attempt.commit(() => 'x'))).rejects.toMatchObject({
    reason: 'store_unavailable',
  })
  expect(events).toContainEqual(expect.objectContaining({ type: 'store_failed', operation: 'commit' }))
  expect((await store.get(id))?.state).toBe('failed')
})

test('a commit whose answer was lost but that happened: its client gets what is recorded', async () => {
  const transact: Transactional<'async'>['store']['transact'] = async (...args) => {
    await transactions.store.transact(...args)
    throw new StoreError('the answer was lost', 'unknown')
  }
  const lossy = Object.assign(Object.create(transactions.store), { transact })
  const run = () => committing(lossy).run(id, attempt => attempt.commit(() => 'committed'))
  expect(await run()).toEqual({ value: 'committed', replayed: true })
  expect(await run()).toEqual({ value: 'committed', replayed: true })
})

test('without a key effects are committed and nothing stays recorded', async () => {
  const idempotency = engineOf()
  const work = (end: () => string) =>
    idempotency.process<string>({ scope: 's', key: null, fingerprint: null, timing }, async (_, commit) => {
      const value = await commit!(tx => {
        ;(tx as { write(entry: string): void }).write('effect')
        return { value: end(), result: Buffer.alloc(0) }
      })
      return { value }
    })
  expect(await work(() => 'done')).toEqual({ kind: 'executed', value: 'done' })
  const failed = await work(() => {
    throw new Error('no')
  })
  expect(failed).toMatchObject({ kind: 'threw' })
  expect(transactions.ledger).toEqual(['effect'])
  await clock.advance(1)
  expect((await store.list({ limit: 10 })).records.filter(({ state }) => state !== 'failed')).toEqual([])
  await idempotency.settled()
})

test('where effects may not wait, those that do are refused with what to do about it', async () => {
  const sync = transactional(store, 'sync')
  const idempotency = createIdempotency({ store: sync.store, clock })
  const { value } = await idempotency.run(id, attempt =>
    attempt.commit(tx => {
      tx.write('done')
      return 'done'
    }),
  )
  expect(value).toBe('done')
  const waiting = idempotency.run({ ...id, key: 'other' }, attempt => attempt.commit(async tx => tx.write('later')))
  await expect(waiting).rejects.toThrow('must be done when the function returns')
  await flush()
  expect(sync.ledger).toEqual(['done'])
})
