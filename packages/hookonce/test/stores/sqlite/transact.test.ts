import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as breath } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { createIdempotency, StoreError } from 'hookonce'
import type { SqliteTransaction } from 'hookonce/stores/sqlite'
import { expect, test, vi } from 'vitest'
import { connect, onCleanup, open, request, startChild, temporaryFolder } from './support.js'

/** A store and a ledger in its file, which `work` of a key adds that key to. */
async function setUp(options?: Parameters<typeof open>[1]) {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path, options)
  await store.ready()
  const db = await connect(path)
  db.exec(`
    CREATE TABLE ledger (effect TEXT NOT NULL);
    CREATE TABLE amounts (
      of TEXT NOT NULL REFERENCES accounts (name) DEFERRABLE INITIALLY DEFERRED,
      amount INTEGER CHECK (amount > 0)
    );
    CREATE TABLE accounts (name TEXT PRIMARY KEY);
  `)
  const effects = () =>
    db
      .prepare('SELECT effect FROM ledger ORDER BY rowid')
      .all()
      .map(({ effect }) => effect)
  const transact = (key: string, work: (tx: SqliteTransaction) => unknown = tx => write(tx, key)) =>
    store.transact(request(key), `lease of ${key}`, work as (tx: SqliteTransaction) => Uint8Array)
  const claim = (key: string) => store.claim(request(key))
  const stateOf = async (key: string) => (await store.get(request(key)))?.state
  return { path, store, db, effects, transact, claim, stateOf }
}

function write(tx: SqliteTransaction, effect: string): Uint8Array {
  tx.prepare('INSERT INTO ledger VALUES (?)').run(effect)
  return Buffer.from(`result of ${effect}`)
}

test('attempt.commit has one effect for a key, and its result is replayed', async () => {
  const { store, effects } = await setUp()
  const idempotency = createIdempotency({ store })
  const run = () =>
    idempotency.run({ scope: 'test', key: 'key' }, attempt =>
      attempt.commit(tx => {
        tx.prepare('INSERT INTO ledger VALUES (?)').run(`attempt ${attempt.number}`)
        return { paid: 1 }
      }),
    )
  expect(await run()).toEqual({ value: { paid: 1 }, replayed: false })
  expect(await run()).toEqual({ value: { paid: 1 }, replayed: true })
  expect(effects()).toEqual(['attempt 1'])
})

test.each([
  ['a promise', async (tx: SqliteTransaction) => write(tx, 'key'), /must not wait/],
  ['text', (tx: SqliteTransaction) => write(tx, 'key').toString(), /Uint8Array, not string/],
  ['nothing', (tx: SqliteTransaction) => void write(tx, 'key'), /Uint8Array, not undefined/],
])('work that gives %s is refused and rolled back', async (_, work, message) => {
  const { claim, transact, effects, stateOf } = await setUp()
  await claim('key')

  const refusal = transact('key', work)

  await expect(refusal).rejects.toThrow(TypeError)
  await expect(refusal).rejects.toThrow(message)
  expect(effects()).toEqual([])
  expect(await stateOf('key')).toBe('running')
  expect(await transact('key')).toMatchObject({ status: 'completed' })
})

test('what asynchronous work does after its first await cannot write, and disturbs nobody', async () => {
  const { claim, transact, effects } = await setUp()
  await claim('key')
  await claim('other')
  let late: Promise<unknown> | undefined
  const refusal = transact('key', tx => {
    const insert = tx.prepare('INSERT INTO ledger VALUES (?)')
    late = breath().then(() => {
      const writes = [() => insert.run('late'), () => write(tx, 'late'), () => tx.exec('BEGIN IMMEDIATE')]
      for (const lateWrite of writes) expect(lateWrite).toThrow(/readonly/)
      tx.exec('BEGIN')
    })
    return late
  })
  await expect(refusal).rejects.toThrow(/must not wait/)
  await late

  expect(await transact('other')).toMatchObject({ status: 'completed' })
  expect(effects()).toEqual(['other'])
})

test.each(['COMMIT', 'END', 'COMMIT; BEGIN'])('work cannot %s', async statement => {
  const { claim, transact, effects, stateOf } = await setUp()
  await claim('key')
  const refusal = transact('key', tx => {
    write(tx, 'first')
    tx.exec(statement)
    return write(tx, 'second')
  })
  await expect(refusal).rejects.toThrow(/FOREIGN KEY/)
  expect(effects()).toEqual([])
  expect(await stateOf('key')).toBe('running')

  await transact('key', tx => {
    write(tx, 'first')
    expect(() => tx.exec(statement)).toThrow()
    return write(tx, 'second')
  })
  expect(effects()).toEqual(['first', 'second'])
})

test.each(['ROLLBACK', 'ROLLBACK; BEGIN', 'ROLLBACK; BEGIN IMMEDIATE'])(
  'work that runs %s is refused loudly',
  async statement => {
    const { claim, transact, effects, stateOf } = await setUp()
    await claim('key')
    const refusal = transact('key', tx => {
      const result = write(tx, 'key')
      tx.exec(statement)
      return result
    })
    await expect(refusal).rejects.toThrow(TypeError)
    await expect(refusal).rejects.toThrow(/ROLLBACK/)
    expect(effects()).toEqual([])
    expect(await stateOf('key')).toBe('running')
    expect(await transact('key')).toMatchObject({ status: 'completed' })
  },
)

test('work may have savepoints of its own', async () => {
  const { claim, transact, effects } = await setUp()
  await claim('key')
  await transact('key', tx => {
    tx.exec('SAVEPOINT mine')
    write(tx, 'given up')
    tx.exec('ROLLBACK TO mine; RELEASE mine')
    return write(tx, 'kept')
  })
  expect(effects()).toEqual(['kept'])
})

test("a constraint of the work's tables rejects with the driver's error, at once or at the end", async () => {
  const { claim, transact, db, stateOf } = await setUp()
  await claim('key')
  const add = (amount: number) => (tx: SqliteTransaction) => {
    tx.prepare('INSERT INTO amounts (of, amount) VALUES (?, ?)').run('nobody', amount)
    return Buffer.from('result')
  }
  for (const amount of [-1, 1]) {
    const error = await transact('key', add(amount)).catch(error => error)
    expect(error).not.toBeInstanceOf(StoreError)
    expect(error.message).toMatch(/constraint failed/)
  }
  expect(await stateOf('key')).toBe('running')
  expect(db.prepare('SELECT * FROM amounts').all()).toEqual([])
})

test('a transaction within the work of another is refused, and the other stands', async () => {
  const { claim, transact, effects } = await setUp()
  await claim('outer')
  await claim('inner')
  let inner: Promise<unknown> | undefined
  const outer = transact('outer', tx => {
    inner = transact('inner')
    inner.catch(() => {})
    return write(tx, 'outer')
  })
  expect(await outer).toMatchObject({ status: 'completed' })
  await expect(inner).rejects.toMatchObject({ effect: 'refused', message: expect.stringContaining('within the work') })
  expect(effects()).toEqual(['outer'])
})

test('an attempt that lost its key does not run its work', async () => {
  const { store, claim, transact, effects } = await setUp()
  await claim('key')
  await store.delete(request('key'), { force: true })
  await store.claim(request('key', { leaseId: 'another' }))
  let runs = 0
  const outcome = await transact('key', tx => {
    runs++
    return write(tx, 'key')
  })
  expect(outcome).toEqual({ status: 'fenced' })
  expect([runs, effects()]).toEqual([0, []])
})

test('work that takes its own record away leaves no effect', async () => {
  const { claim, transact, effects, stateOf } = await setUp()
  await claim('key')
  const outcome = await transact('key', tx => {
    tx.exec('DELETE FROM records')
    return write(tx, 'key')
  })
  expect(outcome).toEqual({ status: 'fenced' })
  expect(effects()).toEqual([])
  expect(await stateOf('key')).toBe('running')
})

test('transactions are run in the order in which they were asked for, between writes of the worker', async () => {
  const { store, claim, transact, effects } = await setUp()
  const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`)
  await Promise.all(keys.map(claim))
  let isOver = false
  let claims = 0
  const load = (async () => {
    while (!isOver) {
      await Promise.all(Array.from({ length: 16 }, () => store.claim(request(`load ${claims++}`))))
    }
  })()
  const before = claims
  await Promise.all(keys.map(key => transact(key)))
  const meanwhile = claims - before
  isOver = true
  await load

  expect(effects()).toEqual(keys)
  expect(meanwhile).toBeGreaterThan(0)
})

test('close first finishes the transactions that were asked for, and leaves all in the file itself', async () => {
  const { path, store, db, claim, transact } = await setUp()
  const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`)
  await Promise.all(keys.map(claim))
  db.close()
  const transactions = Promise.all(keys.map(key => transact(key)))
  const closed = store.close()
  const late = transact('late')
  await expect(late).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
  await expect(store.get(request('late'))).rejects.toMatchObject({ effect: 'refused' })
  expect((await transactions).every(({ status }) => status === 'completed')).toBe(true)
  await closed

  const copy = join(temporaryFolder(), 'copy.db')
  copyFileSync(path, copy)
  expect((await connect(copy)).prepare('SELECT count(*) AS effects FROM ledger').get()).toEqual({ effects: 20 })
})

test("another process's lock is waited for within bounds, without blocking the event loop", async () => {
  const { path, claim, transact, effects, stateOf } = await setUp({ busyTimeoutMs: 700 })
  await claim('key')
  const other = startChild('lock', path)
  await other.nextLine()

  let ticks = 0
  const ticking = setInterval(() => ticks++, 5)
  onCleanup(() => clearInterval(ticking))
  const asked = performance.now()
  const refused = transact('key')
  expect(await stateOf('key')).toBe('running')
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_STORE',
    effect: 'refused',
    message: expect.stringContaining('locked by another process for 700 ms'),
  })
  expect(performance.now() - asked).toBeGreaterThan(690)
  expect(ticks).toBeGreaterThan(5)
  expect(effects()).toEqual([])

  const waiting = transact('key')
  other.send('let go')
  expect(await waiting).toMatchObject({ status: 'completed' })
  expect(effects()).toEqual(['key'])
})

test('a lock handover that never ends does not stop the worker for ever', async () => {
  const { store, claim, transact } = await setUp({ busyTimeoutMs: 1 })
  await claim('key')
  // The caller's thread ends a handover with these.
  const [add, notify] = [vi.spyOn(Atomics, 'add'), vi.spyOn(Atomics, 'notify')]
  add.mockReturnValue(0 as never)
  notify.mockReturnValue(0)
  onCleanup(() => {
    add.mockRestore()
    notify.mockRestore()
  })
  expect(await transact('key')).toMatchObject({ status: 'completed' })
  expect(await store.get(request('key'))).toMatchObject({ state: 'completed' })
  expect(await claim('next')).toMatchObject({ status: 'acquired' })
  expect(notify).toHaveBeenCalled()
})

test('without its worker no transaction is begun', async () => {
  const unref = vi.spyOn(Worker.prototype, 'unref')
  const { store, claim, transact, effects } = await setUp()
  const worker = unref.mock.contexts[0] as Worker
  unref.mockRestore()
  await claim('key')

  const pending = transact('key')
  await worker.terminate()
  await expect(pending).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
  await expect(transact('key')).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
  expect(effects()).toEqual([])
  await store.close()
})
