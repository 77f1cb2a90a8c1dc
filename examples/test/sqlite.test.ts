import { join } from 'node:path'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { PAYMENT, pay, payAtOnce } from './support/payment.js'
import { inRepository, start, temporaryFolder } from './support/process.js'
import { until } from './support/waiting.js'

/** A folder of its own, and a connection to the file in it beside those of the example. */
async function newFile() {
  const folder = temporaryFolder()
  const file = join(folder, 'data', 'hookonce.db')
  const { openDatabase } = await import(inRepository('examples/sqlite/database.js'))

  function sql(statement: string): Record<string, unknown>[] {
    const db = openDatabase(file)
    try {
      return db.prepare(statement).all()
    } finally {
      db.close()
    }
  }
  return {
    file,
    sql,
    run: () =>
      start(process.execPath, [inRepository('examples/sqlite/server.js')], { cwd: folder, env: { PORT: '0' } }),
    /** What stands of the effects. */
    effects: () => ({
      payments: sql('SELECT reference AS payment, cents FROM payments').map(row => ({ ...row })),
      outbox: sql('SELECT topic, payload FROM outbox').map(row => ({ ...row })),
    }),
    isLocked() {
      const db = openDatabase(file)
      try {
        db.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE')
        return false
      } catch (error) {
        if (/locked/.test(String(error))) return true
        throw error
      } finally {
        db.close()
      }
    },
  }
}

const NOTHING = { payments: [], outbox: [] }
const ONCE = { payments: [PAYMENT], outbox: [{ topic: 'receipt', payload: JSON.stringify(PAYMENT) }] }

const body = (attempt: number) => JSON.stringify({ ok: true, id: 1, attempt })

test('examples/sqlite: duplicates at once, at two processes, are one payment', async () => {
  const { run, effects } = await newFile()
  const first = await run()
  const second = await run()
  expect(await payAtOnce([first.url, second.url])).toEqual({ answers: new Set([`201 ${body(1)}`]), executed: 1 })
  expect(effects()).toEqual(ONCE)
  expect([await first.stop(), await second.stop()]).toEqual([0, 0])
})

test('examples/sqlite: a failure after the payment leaves none, and the next attempt enters it', async () => {
  const { run, sql, effects } = await newFile()
  const { url } = await run()
  sql(`CREATE TRIGGER meddling AFTER INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no mails today'); END`)
  expect((await pay(url)).status).toBe(500)
  expect(effects()).toEqual(NOTHING)
  sql('DROP TRIGGER meddling')
  expect(await pay(url)).toEqual({ status: 201, cached: false, body: body(2) })
  expect(effects()).toEqual(ONCE)
})

test('examples/sqlite: killed in the middle of a commit: nothing of it stays, and the next attempt enters the payment', async () => {
  const { run, sql, file, effects, isLocked } = await newFile()
  const killed = await run()
  // Keeps the work from its end for many seconds. It ends some time, so that a test that fails does too.
  sql(`CREATE VIEW long AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 200000000)
       SELECT max(i) FROM n`)
  sql('CREATE TRIGGER meddling AFTER INSERT ON outbox BEGIN SELECT * FROM long; END')
  const store = sqliteStore(file)
  onTestFinished(() => store.close())
  const lost = expect(pay(killed.url)).rejects.toThrow()
  // Claimed, so that what holds the lock now is the commit.
  await until('the claim is there', () => store.get({ scope: 'payments', key: 'pay-1' }))
  await until('the commit holds the lock', isLocked)
  await killed.kill()
  await lost
  sql('DROP TRIGGER meddling')
  expect(effects()).toEqual(NOTHING)

  // As it is when the lease of the dead process is over.
  sql('UPDATE records SET lease_ends_at = claimed_at')
  const { url } = await run()
  expect(await pay(url)).toEqual({ status: 201, cached: false, body: body(2) })
  expect(effects()).toEqual(ONCE)
  expect(await pay(url)).toEqual({ status: 201, cached: true, body: body(2) })
})
