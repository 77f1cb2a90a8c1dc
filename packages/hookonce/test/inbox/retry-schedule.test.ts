import { Breaker, DEFAULT_RETRY_DELAYS_MS, NonRetriableError, RetryAfterError } from 'hookonce'
import { expect, test } from 'vitest'
import { clock, deliver, events, inboxOf, recordOf, settle } from './support.js'

const response = (status: number, headers: [string, string][] = []) => ({ status, headers, body: new Uint8Array() })

/** How much later each attempt began than the one before, in seconds. */
function watch() {
  const at: number[] = []
  return {
    note: () => void at.push(clock.now()),
    get gaps() {
      return at.slice(1).map((time, i) => (time - at[i]!) / 1000)
    },
    get count() {
      return at.length
    },
  }
}

test('a handler that fails is tried again after pauses that grow, and given up after three days', async () => {
  const attempts = watch()
  const inbox = inboxOf({
    orders: () => {
      attempts.note()
      throw new Error('not today')
    },
  })
  await deliver(inbox, 'k')
  await clock.advance(5 * 86_400_000)
  expect(attempts.count).toBe(DEFAULT_RETRY_DELAYS_MS.length + 1)
  for (const [i, gap] of attempts.gaps.entries()) {
    const delay = DEFAULT_RETRY_DELAYS_MS[i]! / 1000
    // Up to a fifth longer, and a look a second.
    expect(gap).toBeGreaterThanOrEqual(delay)
    expect(gap).toBeLessThan(delay * 1.2 + 2)
  }
  const record = (await recordOf('k'))!
  expect([record.state, record.lastError]).toEqual(['dead', 'Error: not today'])
  expect(events.filter(({ type }) => type === 'delivery_died')).toHaveLength(1)
}, 60_000)

test('a handler can give up, and can say when to try again', async () => {
  const attempts = watch()
  const inbox = inboxOf({
    orders: (_, attempt) => {
      attempts.note()
      if (attempt.number === 1) throw new RetryAfterError('rate limited', 60_000)
      throw new NonRetriableError('no such customer')
    },
  })
  await deliver(inbox, 'k')
  await clock.advance(100_000)
  expect(attempts.gaps[0]).toBeGreaterThanOrEqual(60)
  expect((await recordOf('k'))!.state).toBe('dead')
  expect((await recordOf('k'))!.lastError).toContain('no such customer')
})

test('of responses 410 stops, Retry-After is honoured, 2xx is recorded', async () => {
  const attempts = watch()
  const answers = [response(503, [['retry-after', '120']]), response(200)]
  const inbox = inboxOf({
    orders: () => {
      attempts.note()
      return answers[attempts.count - 1]!
    },
    gone: () => response(410),
  })
  await deliver(inbox, 'k')
  await deliver(inbox, 'k', '{}', 'gone')
  await clock.advance(200_000)
  expect(attempts.gaps[0]).toBeGreaterThanOrEqual(120)
  expect((await recordOf('k'))!.state).toBe('completed')
  expect((await recordOf('k', 'gone'))!.state).toBe('dead')
})

test('a redrive is a new round: all attempts again, one result', async () => {
  let works = false
  const inbox = inboxOf({
    orders: {
      handler: () => {
        if (!works) throw new Error('broken')
      },
      retryDelaysMs: [1_000],
    },
  })
  await deliver(inbox, 'k')
  await clock.advance(10_000)
  expect((await recordOf('k'))!.state).toBe('dead')
  expect(await inbox.redrive('orders', 'k')).toBe('redriven')
  await clock.advance(10_000)
  const second = (await recordOf('k'))!
  expect([second.state, second.attempts, second.accepted!.round]).toEqual(['dead', 4, 2])
  works = true
  await inbox.redrive('orders', 'k')
  await settle()
  expect((await recordOf('k'))!.state).toBe('completed')
  expect(await inbox.redrive('orders', 'absent')).toBe('absent')
})

test('what waits for its next attempt can have it at once, and its schedule goes on', async () => {
  const attempts = watch()
  const inbox = inboxOf({
    orders: {
      handler: () => {
        attempts.note()
        throw new Error('broken')
      },
      retryDelaysMs: [3_600_000, 7_200_000],
    },
  })
  await deliver(inbox, 'k')
  await clock.advance(10_000)
  expect(await inbox.redrive('orders', 'k')).toBe('busy')
  expect(await inbox.redrive('orders', 'k', { waiting: true })).toBe('due')
  await settle()
  expect(attempts.count).toBe(2)
  await clock.advance(7_000_000)
  expect(attempts.count).toBe(2)
  await clock.advance(7_200_000)
  expect(attempts.count).toBe(3)
  const { state, accepted } = (await recordOf('k'))!
  expect([state, accepted!.round]).toEqual(['dead', 1])
})

test('deliveries that always fail keep no healthy one waiting, however many they are', async () => {
  const ran: string[] = []
  const inbox = inboxOf({
    orders: {
      handler: (_, { key }) => {
        ran.push(key!)
        if (key!.startsWith('throws')) throw new Error('poison')
        return response(key!.startsWith('fails') ? 500 : 200)
      },
      breaker: new Breaker(clock),
    },
  })
  for (let i = 0; i < 20; i++) {
    await deliver(inbox, `throws${i}`)
    await deliver(inbox, `fails${i}`)
  }
  await clock.advance(15_000)
  await deliver(inbox, 'healthy')
  await clock.advance(1_000)
  expect(ran).toContain('healthy')
  expect((await recordOf('healthy'))!.state).toBe('completed')
})

test('a handler that cannot connect counts as a target that is down', async () => {
  let calls = 0
  const inbox = inboxOf({
    orders: {
      handler: () => {
        calls++
        throw Object.assign(new TypeError('fetch failed'), {
          cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
        })
      },
      breaker: new Breaker(clock),
      retryDelaysMs: Array(5).fill(1_000),
    },
  })
  for (let i = 0; i < 50; i++) await deliver(inbox, `k${i}`)
  await clock.advance(3_600_000)
  expect(calls).toBeLessThan(100)
})

test('while its target is down one delivery at a time probes it, and nobody’s attempts are used up', async () => {
  let down = true
  let calls = 0
  const inbox = inboxOf({
    orders: {
      handler: () => {
        calls++
        return down ? { ...response(502), unreachable: true } : response(200)
      },
      breaker: new Breaker(clock),
      retryDelaysMs: Array(5).fill(1_000),
    },
  })
  for (let i = 0; i < 50; i++) await deliver(inbox, `k${i}`)
  await clock.advance(3_600_000)
  // Five failures of those begun together, then one a minute at most.
  expect(calls).toBeLessThan(100)
  for (let i = 0; i < 50; i++) expect((await recordOf(`k${i}`))!.state).not.toBe('dead')

  down = false
  const before = calls
  await clock.advance(70_000)
  expect(calls - before).toBeGreaterThan(1)
  await clock.advance(10_000)
  const left: string[] = []
  for (let i = 0; i < 50; i++) {
    const { state, key } = (await recordOf(`k${i}`))!
    if (state !== 'completed') left.push(key)
  }
  expect(left).toEqual([])
})

test('a breaker says whether it is open, and since when', async () => {
  const breaker = new Breaker(clock)
  for (let i = 0; i < 4; i++) breaker.ended('absent')
  expect(breaker.state).toEqual({ state: 'closed', since: null })
  breaker.ended('absent')
  const since = clock.now()
  expect(breaker.state).toEqual({ state: 'open', since })
  await clock.advance(1_000)
  expect(breaker.state).toEqual({ state: 'half_open', since })
  breaker.reserve(1)
  breaker.ended('absent')
  expect(breaker.state).toEqual({ state: 'open', since })
  await clock.advance(2_000)
  breaker.reserve(1)
  breaker.ended('there')
  expect(breaker.state).toEqual({ state: 'closed', since: null })
})
