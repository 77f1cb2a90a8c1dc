import assert from 'node:assert/strict'
import { jsonResponse } from 'hookonce'
import { type DatabaseScenario, type ExploreOptions, explore, type Scenario, ScheduleError } from 'hookonce/testing'
import { describe, expect, test } from 'vitest'

/** A provider of payments: a charge under a key that it knows is no new one. */
class FakePayments {
  readonly charges: { order: string; key: string }[] = []

  charge(order: string, key: string): void {
    if (this.charges.every(charge => charge.key !== key)) this.charges.push({ order, key })
  }
}

/** A key of its own for each call. */
let keys = 0
const newKey = () => `key ${++keys}`

const PAID = [{ id: 'evt_paid', body: { type: 'order.paid', order: 'order_1' } }]

function charging(chargeOnce: boolean): Scenario<{ payments: FakePayments; orders: FakeOrders }> {
  return {
    events: PAID,
    services: () => ({ payments: new FakePayments(), orders: new FakeOrders() }),
    handler:
      ({ payments, orders }) =>
      async (delivery, attempt) => {
        const { order } = delivery.json()
        if (await orders.isPaid(order)) return jsonResponse({ ok: true })
        await payments.charge(order, chargeOnce ? attempt.keyFor('charge') : newKey())
        await orders.markPaid(order)
        return jsonResponse({ ok: true })
      },
    check({ payments, orders }) {
      assert.equal(payments.charges.length, 1, 'one charge')
      assert.ok(orders.isPaid('order_1'))
    },
  }
}

class FakeOrders {
  readonly #paid = new Set<string>()

  isPaid(order: string): boolean {
    return this.#paid.has(order)
  }

  markPaid(order: string): void {
    this.#paid.add(order)
  }
}

class FakeMails {
  readonly sent: { to: string; id: string }[] = []

  send(to: string, id: string): void {
    if (this.sent.every(mail => mail.id !== id)) this.sent.push({ to, id })
  }
}

function mailing(withKey: boolean): Scenario<{ mails: FakeMails }> {
  return {
    services: () => ({ mails: new FakeMails() }),
    handler:
      ({ mails }) =>
      async (_, attempt) => {
        await mails.send('ann@example.com', withKey ? attempt.keyFor('mail') : newKey())
        return jsonResponse({ ok: true })
      },
    check: ({ mails }) => assert.equal(mails.sent.length, 1, 'one mail'),
  }
}

/** Two rows that belong together: a payment and its entry in a ledger. */
function booking(atOnce: boolean): DatabaseScenario<{ database: { insert(table: string, id: string): void } }> {
  return {
    tables: 'CREATE TABLE payments (id TEXT PRIMARY KEY); CREATE TABLE ledger (id TEXT PRIMARY KEY)',
    services: database => ({
      database: {
        insert: (table, id) => void database.prepare(`INSERT INTO ${table} VALUES (?)`).run(id),
      },
    }),
    handler:
      ({ database }) =>
      async (_, attempt) => {
        if (atOnce) {
          return attempt.commit(tx => {
            tx.prepare('INSERT INTO payments VALUES (?)').run('p1')
            tx.prepare('INSERT INTO ledger VALUES (?)').run('p1')
            return jsonResponse({ ok: true })
          })
        }
        await database.insert('payments', 'p1')
        await database.insert('ledger', 'p1')
        return jsonResponse({ ok: true })
      },
    check(_, database) {
      const rows = (table: string) => database.prepare(`SELECT * FROM ${table}`).all().length
      assert.deepEqual([rows('payments'), rows('ledger')], [1, 1])
    },
  }
}

class FakeBalances {
  balance = 0
  version = 0
  readonly #booked = new Set<string>()

  read(): { balance: number; version: number } {
    return { balance: this.balance, version: this.version }
  }

  write(balance: number): void {
    this.balance = balance
  }

  /** Only if nobody has written since, and nothing if it was booked. */
  writeIf(version: number, balance: number, key: string): boolean {
    if (this.#booked.has(key)) return true
    if (version !== this.version) return false
    this.#booked.add(key)
    this.version++
    this.balance = balance
    return true
  }
}

function adding(compareAndSet: boolean): Scenario<{ balances: FakeBalances }> {
  return {
    events: [
      { id: 'evt_1', body: { amount: 1 } },
      { id: 'evt_2', body: { amount: 2 } },
    ],
    services: () => ({ balances: new FakeBalances() }),
    handler:
      ({ balances }) =>
      async (delivery, attempt) => {
        const { amount } = delivery.json()
        for (;;) {
          const { balance, version } = await balances.read()
          if (!compareAndSet) {
            await balances.write(balance + amount)
            return jsonResponse({ ok: true })
          }
          if (await balances.writeIf(version, balance + amount, attempt.keyFor('add')))
            return jsonResponse({ ok: true })
        }
      },
    check: ({ balances }) => assert.equal(balances.balance, 3, 'the sum of both'),
  }
}

class FakeSubscriptions {
  status = 'none'
  version = 0

  set(status: string): void {
    this.status = status
  }

  setIfNewer(version: number, status: string): void {
    if (version <= this.version) return
    this.version = version
    this.status = status
  }
}

function following(newestOnly: boolean): Scenario<{ subscriptions: FakeSubscriptions }> {
  return {
    events: [
      { id: 'evt_created', body: { version: 1, status: 'active' } },
      { id: 'evt_deleted', body: { version: 2, status: 'cancelled' } },
    ],
    services: () => ({ subscriptions: new FakeSubscriptions() }),
    handler:
      ({ subscriptions }) =>
      async delivery => {
        const { version, status } = delivery.json()
        if (newestOnly) await subscriptions.setIfNewer(version, status)
        else await subscriptions.set(status)
        return jsonResponse({ ok: true })
      },
    check: ({ subscriptions }) => assert.equal(subscriptions.status, 'cancelled'),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: services of each kind
type AnyScenario = Scenario<any> | DatabaseScenario<any>

/** What each wrong handler does, the shortest schedule that breaks it, and both versions. */
const SAMPLES: [fault: string, most: number, scenarioOf: (right: boolean) => AnyScenario][] = [
  ['charges before it remembers', 4, charging],
  ['sends a mail without a key', 3, mailing],
  ['has two effects and a crash between them', 3, booking],
  ['reads, changes and writes', 4, adding],
  ['takes events as they come', 4, following],
]

describe.each(SAMPLES)('a handler that %s', (_, most, scenarioOf) => {
  test('is broken by a short schedule, which breaks it again', async () => {
    const error = await explore(scenarioOf(false) as Scenario<object>).then(
      () => undefined,
      (error: unknown) => error,
    )
    assert.ok(error instanceof ScheduleError, String(error))
    expect(error.schedule.length).toBeLessThanOrEqual(most)
    const again = explore(scenarioOf(false) as Scenario<object>, { schedule: error.schedule })
    await expect(again).rejects.toMatchObject({ schedule: error.schedule })
  })

  test('keeps its promise in its right version', async () => {
    expect(await explore(scenarioOf(true) as Scenario<object>, { schedules: 400 })).toEqual({ schedules: 400 })
  })
})

const remembering = (isAtOnce: boolean): Scenario<{ orders: FakeRows }> => ({
  services: () => ({ orders: new FakeRows() }),
  handler:
    ({ orders }) =>
    async (_, attempt) => {
      if (isAtOnce) await orders.addOnce(attempt.key!)
      else if (!(await orders.has(attempt.key!))) await orders.add(attempt.key!)
      return jsonResponse({ ok: true })
    },
  check: ({ orders }) => assert.equal(orders.rows.length, 1),
})

class FakeRows {
  readonly rows: string[] = []

  has(id: string): boolean {
    return this.rows.includes(id)
  }

  add(id: string): void {
    this.rows.push(id)
  }

  addOnce(id: string): void {
    if (!this.has(id)) this.add(id)
  }
}

const errorOf = (scenario: Scenario<object> | DatabaseScenario<object>, options?: ExploreOptions) =>
  explore(scenario as Scenario<object>, options).then(
    () => assert.fail('nothing was found'),
    (error: unknown) => error as ScheduleError,
  )

test('an attempt that goes on after another took over breaks a check that is no part of the write', async () => {
  const error = await errorOf(remembering(false))
  expect(error.schedule).toEqual(['deliver evt_1 to A', 'A pauses', '20 seconds pass', 'deliver evt_1 to B'])
  expect(error.message).toContain("A: orders.has('evt_1')")
  await explore(remembering(true))
})

test('the error says what was wrong, what happened, and how to see it again', async () => {
  const error = await errorOf(mailing(false))
  expect(error.cause).toBeInstanceOf(assert.AssertionError)
  expect(error.message).toMatch(/^a schedule breaks the handler\n/)
  expect(error.message).toContain('one mail')
  expect(error.message).toContain("A: mails.send('ann@example.com', ")
  expect(error.message).toContain(`{ schedule: ${JSON.stringify(error.schedule)} }`)
})

test('a handler that is wrong without any fault has an empty schedule', async () => {
  const error = await errorOf({ ...mailing(true), check: () => assert.fail('always') })
  expect(error.schedule).toEqual([])
  expect(error.message).toMatch(/^the handler breaks its promise without any fault\n/)
})

test('a handler that fails at what an earlier attempt has done is never answered with success', async () => {
  const error = await errorOf({
    ...remembering(true),
    handler:
      ({ orders }) =>
      async () => {
        if (await orders.has('row')) throw new Error('there already')
        await orders.addOnce('row')
        return jsonResponse({ ok: true })
      },
  } as Scenario<{ orders: FakeRows }>)
  expect(String(error.cause)).toMatch(/evt_1 is never answered with success; the last answer: 500/)
  expect(error.story).toContain('A: the handler throws Error: there already')
})

test('a handler that waits for what is not among its services is refused at once', async () => {
  const handler = () => () => new Promise<never>(() => {})
  await expect(explore({ ...mailing(true), handler })).rejects.toThrow(/something other than its services/)
})

test('other seeds are other schedules, and a step that explore does not print is refused', async () => {
  expect(await explore(mailing(true), { schedules: 60, seed: 7 })).toEqual({ schedules: 60 })
  await expect(explore(mailing(true), { schedule: ['A explodes'] })).rejects.toThrow(/not 'A explodes'|"A explodes"/)
})
