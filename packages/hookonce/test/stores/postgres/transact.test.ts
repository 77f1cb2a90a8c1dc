import { setTimeout as delay } from 'node:timers/promises'
import { type RecordId, StoreError } from 'hookonce'
import { type PostgresStore, type PostgresTransaction, postgresStore } from 'hookonce/stores/postgres'
import type { Pool, PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, expectTypeOf, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { type PostgresProxy, startProxy } from './proxy.js'
import { acquire, isReady, newId, newLeaseId, openLedger, openPool, requestOf, until, writing } from './support.js'

let server: PostgresServer
let proxy: PostgresProxy
let pool: Pool
let store: PostgresStore<PoolClient>
let ledger: Awaited<ReturnType<typeof openLedger>>

beforeAll(async () => {
  server = await startPostgres()
  proxy = await startProxy(server)
  ledger = await openLedger(server.url)
  pool = openPool(proxy.url, { max: 5, connectionTimeoutMillis: 1000 })
  store = postgresStore(pool, { purgeIntervalMs: 0, transactionTimeoutMs: 5000 })
  await store.ready()
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  await store?.close()
  await pool?.end()
  await ledger?.pool.end()
  await proxy?.stop()
  await server?.stop()
})
beforeEach(() => {
  proxy.commitFate = () => 'passes'
  proxy.stateComesLate = false
})

/** The next COMMIT goes this way, those after it pass. */
function nextCommit(fate: ReturnType<PostgresProxy['commitFate']>): void {
  proxy.commitFate = () => {
    proxy.commitFate = () => 'passes'
    return fate
  }
}

const refused = expect.objectContaining({ code: 'ERR_STORE', effect: 'refused' })
const unknown = expect.objectContaining({ code: 'ERR_STORE', effect: 'unknown' })

test('the work gets the client of the pool', () => {
  expectTypeOf(store).toEqualTypeOf<PostgresStore<PoolClient>>()
  expectTypeOf(postgresStore('postgres://nowhere')).toEqualTypeOf<PostgresStore<PostgresTransaction>>()
})

test('a COMMIT that arrived and whose answer was lost is found to have been done', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  nextCommit('arrives but has no answer')
  expect(await store.transact(id, leaseId, writing(id))).toMatchObject({ status: 'completed' })
  expect(await ledger.count(id)).toBe(1)
  expect(await store.get(id)).toMatchObject({ state: 'completed' })
})

test('a COMMIT that never arrived is found to have been undone, and the attempt may transact again', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  nextCommit('never arrives')
  await expect(store.transact(id, leaseId, writing(id, 'lost'))).rejects.toEqual(refused)
  expect(await ledger.count(id)).toBe(0)
  expect(await store.transact(id, leaseId, writing(id, 'again'))).toMatchObject({ status: 'completed' })
  expect(await ledger.count(id)).toBe(1)
})

test('a COMMIT whose answer does not come in time is found to have been done', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  nextCommit('hangs unanswered')
  expect(await store.transact(id, leaseId, writing(id))).toMatchObject({ status: 'completed' })
  expect(await ledger.count(id)).toBe(1)
})

test('the outcome of a COMMIT is found although the record was deleted since', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  proxy.commitFate = () => 'hangs unanswered'
  const transaction = store.transact(id, leaseId, writing(id))
  await until('the commit', async () => (await ledger.count(id)) === 1)
  expect(await store.delete(id)).toBe('deleted')
  expect(await transaction).toMatchObject({ status: 'completed' })
})

test('a COMMIT whose outcome cannot be found is unknown, and another call finds it', async () => {
  const impatient = postgresStore(pool, { purgeIntervalMs: 0, timeoutMs: 800, transactionTimeoutMs: 1000 })
  const id = newId()
  const leaseId = await acquire(impatient, id)
  proxy.commitFate = () => {
    // It arrives, and then nothing does.
    setImmediate(() => proxy.hold())
    return 'hangs unanswered'
  }
  try {
    await expect(impatient.transact(id, leaseId, writing(id))).rejects.toEqual(unknown)
  } finally {
    proxy.letGo()
  }
  await until('a connection', () => isReady(impatient))
  expect(await impatient.transact(id, leaseId, writing(id, 'again'))).toMatchObject({ status: 'completed' })
  expect(await ledger.count(id)).toBe(1)
  await impatient.close()
})

test('work runs again, in a new transaction, after a conflict', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  let runs = 0
  const work = writing(id, 'one', tx => {
    if (++runs < 3) return tx.query(`DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '${40_000 + runs}'; END $$`)
  })
  // 40001 is a serialization failure, 40002 is none.
  await expect(store.transact(id, leaseId, work)).rejects.toMatchObject({ code: '40002' })
  expect([runs, await ledger.count(id)]).toEqual([2, 0])
  expect(await store.transact(id, leaseId, work)).toMatchObject({ status: 'completed' })
  expect([runs, await ledger.count(id)]).toEqual([3, 1])
})

test('two transactions that deadlock are both committed in the end', async () => {
  await ledger.pool.query('CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)')
  await ledger.pool.query('INSERT INTO accounts VALUES (1, 0), (2, 0)')
  let meeting = 0
  const crossing = (first: number, second: number) => async (tx: PoolClient) => {
    await tx.query('UPDATE accounts SET balance = balance + 1 WHERE id = $1', [first])
    meeting++
    await until('the other', () => meeting >= 2)
    await tx.query('UPDATE accounts SET balance = balance + 1 WHERE id = $1', [second])
    return Buffer.from('done')
  }
  const [one, two] = [newId(), newId()]
  const outcomes = await Promise.all([
    store.transact(one, await acquire(store, one), crossing(1, 2)),
    store.transact(two, await acquire(store, two), crossing(2, 1)),
  ])
  expect(outcomes.map(outcome => outcome.status)).toEqual(['completed', 'completed'])
  // One of them at least was run again; on a busy machine that may end the same way once more.
  expect(meeting).toBeGreaterThanOrEqual(3)
  const { rows } = await ledger.pool.query('SELECT balance FROM accounts')
  expect(rows).toEqual([{ balance: 2 }, { balance: 2 }])
})

test.each([false, true])(
  'work that hides the failure of a statement leaves no effect (reported late: %s)',
  async late => {
    proxy.stateComesLate = late
    const id = newId()
    const leaseId = await acquire(store, id)
    const hiding = writing(id, 'one', tx => tx.query('SELECT 1 / 0').catch(() => {}))
    await expect(store.transact(id, leaseId, hiding)).rejects.toThrow(TypeError)
    expect(await ledger.count(id)).toBe(0)
    expect(await store.fail(id, leaseId, 'it broke')).toBe('failed')
  },
)

test.each(['BEGIN', 'start transaction', ' Commit', 'END', 'ROLLBACK', 'rollback work', "prepare transaction 'x'"])(
  'work may not end its transaction, nor begin another: %s',
  async command => {
    for (const statement of [command, { text: command }]) {
      const id = newId()
      const leaseId = await acquire(store, id)
      const ending = writing(id, 'one', tx => tx.query(statement as string))
      await expect(store.transact(id, leaseId, ending)).rejects.toThrow('may not begin or end one')
      expect(await ledger.count(id)).toBe(0)
      expect(await store.fail(id, leaseId, 'it broke')).toBe('failed')
    }
  },
)

test('work may use savepoints', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  const nested = writing(id, 'one', async tx => {
    await tx.query('SAVEPOINT one')
    await tx.query('SELECT 1 / 0').catch(() => {})
    await tx.query('ROLLBACK TO SAVEPOINT one')
    await tx.query('ROLLBACK WORK TO one')
    await tx.query('RELEASE one')
  })
  expect(await store.transact(id, leaseId, nested)).toMatchObject({ status: 'completed' })
})

test('work that ends the transaction itself records no result', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  await expect(
    store.transact(
      id,
      leaseId,
      writing(id, 'one', tx => tx.query('SELECT 1; COMMIT')),
    ),
  ).rejects.toThrow('ended the transaction itself')
  expect(await store.get(id)).toMatchObject({ state: 'running' })
})

test('work that loses its connection leaves no effect, and the pool a client less', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  const killed = writing(id, 'one', tx => tx.query('SELECT pg_terminate_backend(pg_backend_pid())'))
  await expect(store.transact(id, leaseId, killed)).rejects.toThrow()
  expect(await ledger.count(id)).toBe(0)
  expect(await store.transact(id, leaseId, writing(id))).toMatchObject({ status: 'completed' })
})

test('work that takes too long is rolled back', async () => {
  const impatient = postgresStore(pool, { purgeIntervalMs: 0, transactionTimeoutMs: 600 })
  const id = newId()
  const leaseId = await acquire(impatient, id)
  await expect(
    impatient.transact(
      id,
      leaseId,
      writing(id, 'one', () => delay(60_000, undefined, { ref: false })),
    ),
  ).rejects.toEqual(refused)
  expect(await ledger.count(id)).toBe(0)
  await expect(
    impatient.transact(
      id,
      leaseId,
      writing(id, 'one', tx => tx.query('SELECT pg_sleep(60)')),
    ),
  ).rejects.toThrow()
  expect(await impatient.transact(id, leaseId, writing(id))).toMatchObject({ status: 'completed' })
  expect(await ledger.count(id)).toBe(1)
  await impatient.close()
})

test('leases are renewed and other operations work, however many transactions wait', async () => {
  let open = 0
  let release = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const held = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const id = newId()
      return { id, leaseId: await acquire(store, id) }
    }),
  )
  const transactions = held.map(({ id, leaseId }) =>
    store.transact(
      id,
      leaseId,
      writing(id, 'one', () => {
        open++
        return released
      }),
    ),
  )
  // Of five clients two are for statements, and one to listen.
  await until('the first transactions', () => open === 2)
  for (const { id, leaseId } of held) expect(await store.renew(id, leaseId, 60_000)).toBe('renewed')
  await acquire(store, newId())
  release()
  for (const { status } of await Promise.all(transactions)) expect(status).toBe('completed')
  for (const { id } of held) expect(await ledger.count(id)).toBe(1)
})

test('deferred constraints wait for locks as long as the default lock timeout allows', async () => {
  const id = newId()
  const leaseId = await acquire(store, id)
  const LOCK = 4711
  await ledger.pool.query(`
    CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.key = '${id.key}' THEN PERFORM pg_advisory_xact_lock(${LOCK}); END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON effects DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION wait_for_lock()`)
  const holder = await ledger.pool.connect()
  try {
    await holder.query('SELECT pg_advisory_lock($1)', [LOCK])
    const committed = store.transact(id, leaseId, writing(id))
    const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE '%COMMIT'
      AND now() - query_start > '0.6 s'`
    await until('the COMMIT to wait longer than a completion does', async () => (await holder.query(waits)).rowCount)
    await holder.query('SELECT pg_advisory_unlock($1)', [LOCK])
    expect(await committed).toMatchObject({ status: 'completed' })
    expect(await ledger.count(id)).toBe(1)
  } finally {
    holder.release()
    await ledger.pool.query('DROP TRIGGER deferred ON effects; DROP FUNCTION wait_for_lock()')
  }
})

/** Keys of the storm, three workers fight for each. */
const KEYS = Number(process.env.HOOKONCE_TEST_POSTGRES_STORM ?? 80)
const STORM_MS = 60_000 + KEYS * 500

test(
  'takeovers, cut connections and lost COMMITs under load: one effect a key, that of the attempt that completed',
  async () => {
    const stormPool = openPool(proxy.url, { max: 12, connectionTimeoutMillis: 500 })
    const stormy = postgresStore(stormPool, { purgeIntervalMs: 0, timeoutMs: 500, transactionTimeoutMs: 5000 })
    const happened = { fenced: 0, cut: 0, lost: 0, refused: 0, unknown: 0 }
    const acknowledged = new Map<string, string>()
    const deadline = performance.now() + STORM_MS
    proxy.commitFate = () => {
      if (Math.random() < 0.6) return 'passes'
      happened.lost++
      return (['arrives but has no answer', 'never arrives', 'hangs unanswered'] as const)[
        Math.floor(Math.random() * 3)
      ]!
    }

    async function attempt(id: RecordId): Promise<'done' | 'not yet'> {
      const leaseId = newLeaseId()
      const leaseMs = Math.random() < 0.5 ? 10 : 1000
      const claim = await stormy.claim(requestOf(id, leaseId, { leaseMs }))
      if (claim.status !== 'acquired') return claim.status === 'completed' ? 'done' : 'not yet'
      const { status } = await stormy.transact(
        id,
        leaseId,
        writing(id, leaseId, () => delay(Math.random() * 20)),
      )
      if (status === 'fenced') happened.fenced++
      else acknowledged.set(id.key, leaseId)
      return 'not yet'
    }

    const keys = Array.from({ length: KEYS }, newId)
    const queue = keys.flatMap(id => [id, id, id])
    let working = 9
    const workers = Array.from({ length: working }, async () => {
      for (let id = queue.shift(); id !== undefined && performance.now() < deadline; id = queue.shift()) {
        for (let is = 'not yet'; is !== 'done' && performance.now() < deadline; ) {
          is = await attempt(id).catch(error => {
            if (error instanceof StoreError) happened[error.effect]++
            return 'not yet'
          })
          if (is !== 'done') await delay(Math.random() * 10)
        }
      }
      working--
    })
    while (working > 0) {
      await delay(50 + Math.random() * 200)
      happened.cut++
      if (happened.cut % 2 === 0) proxy.cut()
      else {
        await ledger.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND random() < 0.3`,
        )
      }
    }
    await Promise.all(workers)
    await stormy.close()
    await stormPool.end()
    proxy.commitFate = () => 'passes'

    expect(performance.now()).toBeLessThan(deadline)
    for (const id of keys) {
      const { rows } = await ledger.pool.query('SELECT attempt FROM effects WHERE key = $1', [id.key])
      expect(rows.map(row => row.attempt)).toEqual([Buffer.from((await store.get(id))!.result!).toString()])
      if (acknowledged.has(id.key)) expect(rows[0].attempt).toBe(acknowledged.get(id.key))
    }
    for (const times of [happened.fenced, happened.cut, happened.lost, happened.refused])
      expect(times).toBeGreaterThan(0)
    console.log(`${KEYS} keys, ${acknowledged.size} acknowledged, ${JSON.stringify(happened)}`)
  },
  STORM_MS + 30_000,
)
