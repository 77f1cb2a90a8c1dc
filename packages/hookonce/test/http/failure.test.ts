import { channel } from 'node:diagnostics_channel'
import {
  createInbox,
  createReceiver,
  Delivery,
  EVENTS_CHANNEL,
  type HandlerResponse,
  type HookonceEvent,
  lostError,
  type SourceSettings,
} from 'hookonce'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, describe, expect, test, vi } from 'vitest'

const events: HookonceEvent[] = []
const hear = (event: unknown) => void events.push(event as HookonceEvent)
const unsubscribe = () => void channel(EVENTS_CHANNEL).unsubscribe(hear)

afterEach(() => {
  unsubscribe()
  events.length = 0
})

function start() {
  channel(EVENTS_CHANNEL).subscribe(hear)
  const store = memoryStore()
  return { store, receiver: createReceiver({ store }) }
}

const withKey = (key: string, headers: [string, string][] = []) => {
  const named: [string, string][] = [['idempotency-key', key], ...headers]
  return new Delivery({ method: 'POST', url: '/webhook', headers: named, body: Buffer.from('{"its":"body"}') })
}

const answerOf = (body: string | Uint8Array, more: Partial<HandlerResponse> = {}): HandlerResponse => ({
  ...{ status: 503, headers: [['content-type', 'text/plain']], body: Buffer.from(body) },
  ...more,
})

/** What the record says, and the event, after one attempt that answered so. */
async function saidOf(response: HandlerResponse, delivery = withKey('k'), settings: SourceSettings = {}) {
  const { receiver } = start()
  const answer = await receiver.source({ name: 'orders', ...settings }).receive(delivery, () => response)
  const [event] = events
  const record = await receiver.record('orders', 'k')
  return { answer, event, lastError: record?.lastError }
}

describe('an answer that is not recorded', () => {
  test('is named by its status and how its body begins, on the record and in an event', async () => {
    const { event, lastError, answer } = await saidOf(
      answerOf('upstream is down'),
      withKey('k', [['x-request-id', 'r1']]),
    )
    expect(lastError).toBe('status 503: upstream is down')
    const about = { scope: 'orders', key: 'k', requestId: 'r1', attempt: 1 }
    expect(event).toEqual({ type: 'attempt_given_back', ...about, reason: lastError, durationMs: expect.any(Number) })
    expect(Buffer.from(answer.body).toString()).toBe('upstream is down')
  })

  test.each<[what: string, response: HandlerResponse, said: string]>([
    ['no body', answerOf(''), 'status 503'],
    ['a long body: 200 bytes of it', answerOf('x'.repeat(5_000)), `status 503: ${'x'.repeat(200)}`],
    ['a character that is cut in two: none of it', answerOf(`${'x'.repeat(199)}é`), `status 503: ${'x'.repeat(199)}`],
    ['lines: one', answerOf('one\r\ntwo\tthree'), 'status 503: one\\r\\ntwo\\tthree'],
    [
      'what moves a cursor: escaped',
      answerOf('\u001b[2J\u009b\u202e\u2028.'),
      'status 503: \\u{1b}[2J\\u{9b}\\u{202e}\\u{2028}.',
    ],
    [
      'a compressed body: that it is',
      answerOf('zip', { headers: [['content-encoding', 'gzip']] }),
      'status 503 (body: gzip)',
    ],
    ['a reason of its own: that', answerOf('x', { reason: 'the disk\nis full' }), 'the disk\\nis full'],
  ])('with %s', async (_, response, said) => {
    expect((await saidOf(response)).lastError).toBe(said)
  })

  test('quotes no secret that the delivery bore, wherever it would be cut', async () => {
    const headers: [string, string][] = [
      ['authorization', 'Bearer sesame-open'],
      ['x-gitlab-token', 'glpat-0123456789'],
      ['cookie', 'session=c00kie-value; theme=dark'],
    ]
    const body = `denied sesame-open, glpat-0123456789, c00kie-value ${'x'.repeat(136)}sesame-open`
    const { lastError } = await saidOf(answerOf(body), withKey('k', headers))
    expect(lastError).toMatch(/^status 503: denied \[redacted\], \[redacted\], \[redacted\] x+\[r/)
    expect(lastError).not.toMatch(/sesa|glpat|c00kie/)
  })

  test('is not quoted where no bodies are recorded', async () => {
    const { lastError } = await saidOf(answerOf('name: Ann'), withKey('k'), { maxResponseBytes: 0 })
    expect(lastError).toBe('status 503')
  })

  test('is reported for a delivery without a key', async () => {
    const { receiver } = start()
    const delivery = new Delivery({ method: 'POST', url: '/', headers: [], body: new Uint8Array() })
    await receiver.source({ name: 'orders' }).receive(delivery, () => answerOf('no'))
    expect(events).toMatchObject([{ type: 'attempt_given_back', key: null, attempt: 1, reason: 'status 503: no' }])
  })

  test('of an inbox says the same, with the request that brought the delivery', async () => {
    const { receiver } = start()
    const handler = () => answerOf('not yet')
    const inbox = createInbox({ receiver, handlers: { orders: { handler, retryDelaysMs: [] } } })
    await inbox.source('orders').receive(withKey('k', [['x-request-id', 'r1']]), handler)
    inbox.start()
    await vi.waitFor(() => expect(events.map(({ type }) => type)).toContain('delivery_died'), 20_000)
    await inbox.stop()
    const about = { scope: 'orders', key: 'k', requestId: 'r1', attempt: 1 }
    expect(events).toContainEqual(expect.objectContaining({ type: 'attempt_given_back', ...about }))
    expect(events).toContainEqual(expect.objectContaining({ type: 'delivery_died', ...about }))
    expect((await receiver.record('orders', 'k'))?.lastError).toBe('status 503: not yet')
  })
})

describe('an attempt that takes over from one that was lost', () => {
  const lost = { leaseId: 'a'.repeat(32), leaseMs: 1, lockTtlMs: 60_000, retentionMs: 60_000, maxLosses: 10 }
  const ended = async (store: ReturnType<typeof memoryStore>) =>
    vi.waitFor(async () => expect((await store.get({ scope: 'orders', key: 'k' }))?.leaseRemainingMs).toBe(0), 20_000)

  test('is reported, and the record shows what was lost', async () => {
    const { store, receiver } = start()
    await store.claim({ scope: 'orders', key: 'k', fingerprint: null, ...lost })
    await ended(store)
    const delivery = withKey('k', [['x-request-id', 'r1']])
    const answer = await receiver.source({ name: 'orders' }).receive(delivery, () => answerOf('done', { status: 200 }))
    expect(answer.outcome).toBe('executed')
    const about = { scope: 'orders', key: 'k', requestId: 'r1', attempt: 2 }
    expect(events).toEqual([{ type: 'attempt_taken_over', ...about, durationMs: expect.any(Number) }])
    expect(await receiver.record('orders', 'k')).toMatchObject({ losses: 1, lastError: lostError(1) })
  })

  test('is reported for an inbox, and not for failures', async () => {
    const { store, receiver } = start()
    let runs = 0
    const handler = () => answerOf('x', { status: ++runs === 1 ? 500 : 200 })
    const inbox = createInbox({ receiver, handlers: { orders: { handler, retryDelaysMs: [1, 1] } } })
    await inbox.source('orders').receive(withKey('k'), handler)
    await store.claimDue({ scope: 'orders', limit: 1, ...lost })
    await ended(store)
    inbox.start()
    await vi.waitFor(async () => expect((await receiver.record('orders', 'k'))?.state).toBe('completed'), 20_000)
    await inbox.stop()
    expect(events.map(event => [event.type, 'attempt' in event && event.attempt])).toEqual([
      ['attempt_taken_over', 2],
      ['attempt_given_back', 2],
    ])
  })
})

describe('a delivery', () => {
  const made = (headers: [string, string][], body = '{}') =>
    new Delivery({ method: 'POST', url: '/', headers, body: Buffer.from(body) })

  test.each([
    'x-hookonce-attempt',
    'X_Hookonce_Attempt',
    'X.Hookonce~Attempt',
    'x-hookonce_fencing-token',
    'X-Cached',
    'X_CACHED',
    'x_cached_at',
  ])('drops the own name %s, which a framework could take for it', name => {
    expect(
      made([
        [name, '9'],
        ['x-other', '1'],
      ]).headers,
    ).toEqual([['x-other', '1']])
  })

  test.each(['x-hookoncer', 'hookonce-attempt', 'x-cachedname', 'xxhookonce-attempt'])('keeps %s', name => {
    expect(made([[name, '9']]).headers).toEqual([[name, '9']])
  })

  test('reads JSON behind a byte order mark, and leaves its bytes as they are', () => {
    const delivery = made([], '\ufeff{"id":"evt_1"}')
    expect(delivery.json()).toEqual({ id: 'evt_1' })
    expect(delivery.body[0]).toBe(0xef)
    expect(() => made([], '{}\ufeff').json()).toThrow(SyntaxError)
  })

  test('whose key stands in its body is known by it behind a byte order mark too', async () => {
    const sender = stripe({ secrets: ['whsec_secret'] })
    const body = Buffer.from('\ufeff{"id":"evt_1"}')
    const headers = sender.sign({ method: 'POST', url: 'http://localhost/', body, id: 'evt_1', now: Date.now() })
    const source = createReceiver({ store: memoryStore() }).source({ name: 'stripe', sender })
    const deliver = () =>
      source.receive(new Delivery({ method: 'POST', url: '/', headers, body }), () => answerOf('ok', { status: 200 }))
    expect([(await deliver()).outcome, (await deliver()).outcome]).toEqual(['executed', 'replayed'])
  })

  test.each<[headers: [string, string][], id: string | null]>([
    [[['X-Request-Id', 'abc.1-2']], 'abc.1-2'],
    [[], null],
    [[['x-request-id', 'two words']], null],
    [[['x-request-id', 'é']], null],
    [[['x-request-id', '']], null],
    [[['x-request-id', 'x'.repeat(129)]], null],
    [
      [
        ['x-request-id', 'a'],
        ['x-request-id', 'b'],
      ],
      null,
    ],
  ])('is named by a fit X-Request-Id alone: %j', (headers, id) => {
    expect(made(headers).requestId).toBe(id)
  })
})
