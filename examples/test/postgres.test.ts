import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../scripts/test-tools/index.js'
import { PAYMENT, pay, payAtOnce } from './support/payment.js'
import { inRepository, runToEnd, start } from './support/process.js'
import { until } from './support/waiting.js'

let server: PostgresServer
let databases = 0

beforeAll(async () => {
  server = await startPostgres()
}, TOOL_TIMEOUT_MS)

afterAll(() => server?.stop())

const EXAMPLES = ['postgres', 'drizzle', 'kysely']

const fileOf = (example: string) => inRepository(`examples/${example}/server.js`)

async function connect(url: string): Promise<Client> {
  const client = new Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

/** A database of its own, and connections to it beside those of the examples that run on it. */
async function newDatabase() {
  const name = `example_${++databases}`
  const admin = await connect(server.url)
  await admin.query(`CREATE DATABASE ${name}`)
  const url = Object.assign(new URL(server.url), { pathname: name }).href
  const db = await connect(url)
  return {
    db,
    connect: () => connect(url),
    run: (example: string) => start(process.execPath, [fileOf(example)], { env: { PORT: '0', DATABASE_URL: url } }),
    /** What stands of the effects. */
    async effects() {
      const payments = await db.query('SELECT reference AS payment, cents FROM payments')
      const outbox = await db.query('SELECT topic, payload FROM outbox')
      return { payments: payments.rows, outbox: outbox.rows }
    },
    /** Statements that a row of the outbox runs into, at once or at the COMMIT. */
    meddle: (body: string, when = '') =>
      db.query(`
        CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NEW; END $$;
        CREATE CONSTRAINT TRIGGER meddling AFTER INSERT ON outbox ${when} FOR EACH ROW EXECUTE FUNCTION meddle()`),
    /** Which statement, for others may wait likewise: on a busy machine a second migration of the schema for the first. */
    async isWaiting(statement: RegExp, event: string) {
      const { rows } = await db.query(
        'SELECT FROM pg_stat_activity WHERE datname = $1 AND query ~* $2 AND wait_event = $3',
        [name, statement.source, event],
      )
      return rows.length > 0
    },
  }
}

const NOTHING = { payments: [], outbox: [] }
const ONCE = { payments: [PAYMENT], outbox: [{ topic: 'receipt', payload: PAYMENT }] }

const body = (id: number, attempt: number) => JSON.stringify({ ok: true, id, attempt })

describe.each(EXAMPLES)('examples/%s', example => {
  test('duplicates at once, at two processes, are one payment', async () => {
    const { run, effects } = await newDatabase()
    const first = await run(example)
    const second = await run(example)
    expect(await payAtOnce([first.url, second.url])).toEqual({ answers: new Set([`201 ${body(1, 1)}`]), executed: 1 })
    expect(await effects()).toEqual(ONCE)
    expect([await first.stop(), await second.stop()]).toEqual([0, 0])
  })

  test('a failure after the payment leaves none, and the next attempt enters it', async () => {
    const { db, run, effects, meddle } = await newDatabase()
    const { url } = await run(example)
    await meddle(`RAISE 'no mails today';`)
    expect((await pay(url)).status).toBe(500)
    expect(await effects()).toEqual(NOTHING)
    await db.query('DROP TRIGGER meddling ON outbox')
    // A sequence takes nothing back: the first payment's id is left out.
    expect(await pay(url)).toEqual({ status: 201, cached: false, body: body(2, 2) })
    expect(await effects()).toEqual(ONCE)
  })

  test('a serialization failure runs the effects again, within the attempt', async () => {
    const { db, run, effects, meddle } = await newDatabase()
    const { url } = await run(example)
    await db.query('CREATE SEQUENCE runs')
    await meddle(`IF nextval('runs') = 1 THEN RAISE 'again' USING ERRCODE = 'serialization_failure'; END IF;`)
    expect(await pay(url)).toEqual({ status: 201, cached: false, body: body(2, 1) })
    expect(await effects()).toEqual(ONCE)
  })

  test('killed during the COMMIT: what was committed is replayed', async () => {
    const { run, connect, effects, meddle, isWaiting } = await newDatabase()
    const killed = await run(example)
    await meddle('PERFORM pg_advisory_xact_lock(1);', 'DEFERRABLE INITIALLY DEFERRED')
    const holder = await connect()
    await holder.query('SELECT pg_advisory_lock(1)')
    const lost = expect(pay(killed.url)).rejects.toThrow()
    await until('the COMMIT waits', () => isWaiting(/COMMIT$/, 'advisory'))
    expect(await effects()).toEqual(NOTHING)
    await killed.kill()
    await lost
    await holder.query('SELECT pg_advisory_unlock(1)')
    await until('the server has committed', async () => (await effects()).payments.length > 0)

    const { url } = await run(example)
    expect(await pay(url)).toEqual({ status: 201, cached: true, body: body(1, 1) })
    expect(await effects()).toEqual(ONCE)
  })

  test('says what is missing without DATABASE_URL', async () => {
    const ended = await runToEnd(process.execPath, [fileOf(example)], { env: { DATABASE_URL: '' } })
    expect(ended).toEqual({ code: 1, output: expect.stringMatching(/^DATABASE_URL is not set: .*\n$/) })
  })
})

test.each(EXAMPLES)(
  'examples/%s: killed in the middle of a commit: nothing of it stays, and the next attempt enters the payment',
  async example => {
    const { db, run, connect, effects, isWaiting } = await newDatabase()
    const killed = await run(example)
    const holder = await connect()
    await holder.query('BEGIN; LOCK TABLE outbox IN SHARE MODE')
    const lost = expect(pay(killed.url)).rejects.toThrow()
    await until('the payment is entered and its mail waits', () => isWaiting(/^INSERT INTO "?outbox/, 'relation'))
    await killed.kill()
    await lost
    await holder.query('COMMIT')
    // As it is when the lease of the dead process is over.
    await db.query('UPDATE hookonce.records SET lease_ends_at = claimed_at')

    const { url } = await run(example)
    expect(await pay(url)).toEqual({ status: 201, cached: false, body: body(2, 2) })
    expect(await effects()).toEqual(ONCE)
    expect(await pay(url)).toEqual({ status: 201, cached: true, body: body(2, 2) })
  },
)

test('examples/kysely: no transaction of its own is begun within the commit', async () => {
  const { kyselyOn } = await import(inRepository('examples/kysely/kysely-on.js'))
  const client = await connect(server.url)
  await client.query('BEGIN')
  const within = kyselyOn(client)
    .transaction()
    .execute(async () => 'done')
  await expect(within).rejects.toThrow('within a transaction already')
  // Postgres warns of a BEGIN within a transaction and takes it; a COMMIT would have ended this one.
  const { rows } = await client.query('SELECT now() < clock_timestamp() AS begun_before')
  expect(rows).toEqual([{ begun_before: true }])
})
