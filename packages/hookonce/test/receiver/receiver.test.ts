import fc from 'fast-check'
import {
  type Answer,
  createReceiver,
  Delivery,
  type Handler,
  type HandlerResponse,
  PROBLEMS,
  type ReceiverOptions,
  type Store,
  StoreError,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { beforeEach, describe, expect, test } from 'vitest'

let store: Store
beforeEach(() => {
  store = memoryStore()
})

const receiver = (options: Partial<ReceiverOptions> = {}) => createReceiver({ store, onEvent: () => {}, ...options })

/** The source of a receiver that has one. */
const source = (options: Partial<ReceiverOptions> = {}) => receiver(options).source({ name: 'webhook' })

type Headers = Record<string, string | string[]>

function delivery(headers: Headers = {}, body: Uint8Array | string = '{}', url = '/webhook') {
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map(value => [name, value] as const),
  )
  return new Delivery({ method: 'POST', url, headers: pairs, body: Buffer.from(body) })
}

/** Answers 200 with its number of runs. */
function counting() {
  const handler: Handler & { runs: number } = Object.assign(
    async (): Promise<HandlerResponse> => ({ status: 200, headers: [], body: Buffer.from(`run ${++handler.runs}`) }),
    { runs: 0 },
  )
  return handler
}

const text = (answer: Answer) => Buffer.from(answer.body).toString()
const header = (answer: Answer, name: string) =>
  answer.headers.filter(([each]) => each === name).map(([, value]) => value)
const code = (answer: Answer) => JSON.parse(text(answer)).code

describe('the idempotency key', () => {
  test.each([
    ['X-Idempotency-Key', 'abc'],
    ['Idempotency-Key', '"abc"'],
    ['idempotency-key', 'abc'],
    ['webhook-id', 'abc'],
    ['X-Idempotency-Key', '  abc '],
  ])('is read from %s: %s', async (name, value) => {
    const handler = counting()
    const own = source()
    await own.receive(delivery({ 'x-idempotency-key': 'abc' }), handler)
    const answer = await own.receive(delivery({ [name]: value }), handler)
    expect(header(answer, 'x-cached')).toEqual(['true'])
    expect(handler.runs).toBe(1)
  })

  test('is another one in other letters, small and capital', async () => {
    const handler = counting()
    const own = source()
    for (const key of ['key', 'KEY', 'Key']) await own.receive(delivery({ 'x-idempotency-key': key }), handler)
    expect(handler.runs).toBe(3)
  })

  test('may be a structured string with escapes', async () => {
    const own = source()
    let key: string | null = null
    await own.receive(delivery({ 'idempotency-key': '"a\\"b\\\\c"' }), async (_, attempt) => {
      key = attempt.key
      return { status: 200, headers: [], body: Buffer.alloc(0) }
    })
    expect(key).toBe('a"b\\c')
  })

  test.each<[string, Headers]>([
    ['empty', { 'x-idempotency-key': '' }],
    ['blank', { 'x-idempotency-key': '   ' }],
    ['an empty string', { 'idempotency-key': '""' }],
    ['over 255 bytes', { 'x-idempotency-key': 'x'.repeat(256) }],
    ['with a space inside', { 'x-idempotency-key': 'a b' }],
    ['not ASCII', { 'x-idempotency-key': 'é' }],
    ['with a control character', { 'x-idempotency-key': 'a\tb' }],
    ['an unfinished string', { 'idempotency-key': '"abc' }],
    ['a string with something behind it', { 'idempotency-key': '"a", "b"' }],
    ['a string with a bad escape', { 'idempotency-key': '"a\\n"' }],
    ['sent twice', { 'x-idempotency-key': ['a', 'a'] }],
    ['in two headers that disagree', { 'x-idempotency-key': 'a', 'idempotency-key': 'b' }],
  ])('%s is 400, never "no key", and runs nothing', async (_, headers) => {
    const handler = counting()
    const answer = await source().receive(delivery(headers), handler)
    expect([answer.status, code(answer), handler.runs]).toEqual([400, 'key_invalid', 0])
  })

  test('of 255 bytes is allowed, and two headers that agree are one key', async () => {
    const key = 'x'.repeat(255)
    const answer = await source().receive(delivery({ 'x-idempotency-key': key, 'webhook-id': key }), counting())
    expect(answer.status).toBe(200)
  })

  test('that is missing: the handler runs every time, unless the source requires one', async () => {
    const handler = counting()
    const own = source()
    const answers = [await own.receive(delivery(), handler), await own.receive(delivery(), handler)]
    expect(answers.map(text)).toEqual(['run 1', 'run 2'])
    expect(header(answers[1]!, 'x-cached')).toEqual([])
    const strict = await source({ keyRequired: true }).receive(delivery(), handler)
    expect([strict.status, code(strict), handler.runs]).toEqual([400, 'key_missing', 2])
  })
})

describe('sources', () => {
  test('never share keys, unless they share their name; what path a delivery came by does not matter', async () => {
    const handler = counting()
    const shared = receiver()
    const keyed = (url: string) => delivery({ 'x-idempotency-key': 'k' }, '{}', url)
    await shared.source({ name: 'a' }).receive(keyed('/charge'), handler)
    await shared.source({ name: 'b' }).receive(keyed('/charge'), handler)
    expect(handler.runs).toBe(2)
    await shared.source({ name: 'a' }).receive(keyed('/%63harge/?again=1'), handler)
    expect(handler.runs).toBe(2)
  })

  test('have rules of their own over those of the receiver', async () => {
    const own = receiver({ maxBodyBytes: 10, keyRequired: true }).source({ name: 'own', maxBodyBytes: 2 })
    expect((await own.receive(delivery({}, '123'), counting())).status).toBe(413)
    expect((await own.receive(delivery({}, '12'), counting())).status).toBe(400)
  })

  test('have those of the receiver where their own is undefined', async () => {
    const unsaid = { name: 'own', keyRequired: undefined, maxBodyBytes: undefined }
    const own = receiver({ maxBodyBytes: 2, keyRequired: true }).source(unsaid as unknown as { name: string })
    expect((await own.receive(delivery({}, '123'), counting())).status).toBe(413)
    expect((await own.receive(delivery({}, '12'), counting())).status).toBe(400)
  })

  test.each(['', 'a b', 'é', 'x'.repeat(256)])('cannot be named %j', name => {
    expect(() => receiver().source({ name })).toThrow("source's name")
  })

  test.each([{ maxBodyBytes: -1 }, { maxResponseBytes: Number.NaN }, { leaseMs: 0 }])('refuses %j', settings => {
    expect(() => receiver(settings)).toThrow(`${Object.keys(settings)[0]} must be`)
  })
})

test('with keyed: false every delivery runs, whatever key it has', async () => {
  const own = source({ keyed: false })
  const handler = counting()
  const answers = await Promise.all([1, 2].map(() => own.receive(delivery({ 'x-idempotency-key': 'k' }), handler)))
  expect(answers.map(({ outcome }) => outcome)).toEqual(['executed', 'executed'])
  expect((await store.list({ limit: 10 })).records).toEqual([])
  expect(() => source({ keyed: false, keyRequired: true })).toThrow('keyRequired must not be true where keyed is false')
})

describe('a duplicate', () => {
  test('gets any status, headers and body byte for byte', async () => {
    const status = fc.integer({ min: 200, max: 299 })
    const headers = fc.array(fc.tuple(fc.stringMatching(/^y-[a-z]{1,8}$/), fc.stringMatching(/^[!-~]{0,20}$/)))
    const body = fc.uint8Array({ maxLength: 3_000 })
    await fc.assert(
      fc.asyncProperty(status, headers, body, async (status, headers, body) => {
        const own = source({ store: memoryStore() })
        const first = await own.receive(delivery({ 'x-idempotency-key': 'k' }), async () => ({ status, headers, body }))
        const second = await own.receive(delivery({ 'x-idempotency-key': 'k' }), counting())
        expect([first.status, second.status]).toEqual([status, status])
        expect([first.headers, second.headers.slice(0, -3)]).toEqual([headers, headers])
        expect(Buffer.compare(first.body, body)).toBe(0)
        expect(Buffer.compare(second.body, body)).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  test('says that it is one, and since when', async () => {
    const own = source()
    const before = Date.now() - 50 // The store's clock does not follow steps of the system's.
    const first = await own.receive(delivery({ 'x-idempotency-key': 'k' }), counting())
    const second = await own.receive(delivery({ 'x-idempotency-key': 'k' }), counting())
    expect(header(first, 'x-cached')).toEqual([])
    expect(header(second, 'x-cached')).toEqual(['true'])
    expect(header(second, 'idempotent-replayed')).toEqual(['true'])
    const at = header(second, 'x-cached-at')[0]!
    expect(new Date(at).toISOString()).toBe(at)
    expect(Date.parse(at)).toBeGreaterThanOrEqual(before)
  })

  test('gets headers and a body of any characters as they were', async () => {
    const own = source()
    const headers: [string, string][] = [['x-name', 'caf\u00e9 \u00fc']]
    const body = Buffer.from('na\u00efve \u2603')
    const answers = await Promise.all(
      [1, 2].map(() => own.receive(delivery({ 'x-idempotency-key': 'a' }), () => ({ status: 200, headers, body }))),
    )
    const replay = await own.receive(delivery({ 'x-idempotency-key': 'a' }), counting())
    for (const answer of [...answers, replay]) {
      expect([header(answer, 'x-name'), text(answer)]).toEqual([['caf\u00e9 \u00fc'], 'na\u00efve \u2603'])
    }
  })

  test('gets no cookie, no date and nothing that belongs to one connection', async () => {
    const own = source()
    const headers = [
      ['Content-Type', 'text/plain'],
      ['Set-Cookie', 'session=1'],
      ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
      ['Connection', 'keep-alive, X-Hop'],
      ['X-Hop', '1'],
      ['Transfer-Encoding', 'chunked'],
      ['Content-Length', '999'],
      ['X-Cached', 'true'],
      ['Idempotent-Replayed', 'true'],
      ['Link', '<a>'],
      ['Link', '<b>'],
    ] as const
    const answers: Answer[] = []
    for (let time = 0; time < 2; time++) {
      answers.push(
        await own.receive(delivery({ 'x-idempotency-key': 'k' }), async () => ({
          status: 201,
          headers,
          body: Buffer.from('ok'),
        })),
      )
    }
    const [first, second] = answers
    expect(first!.headers).toEqual([
      ['content-type', 'text/plain'],
      ['set-cookie', 'session=1'],
      ['date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
      ['link', '<a>'],
      ['link', '<b>'],
    ])
    expect(second!.headers.slice(0, 3)).toEqual([
      ['content-type', 'text/plain'],
      ['link', '<a>'],
      ['link', '<b>'],
    ])
  })

  test.each([199, 302, 400, 404, 409, 422, 500, 503])(
    'after an answer %s runs again: it was not final',
    async status => {
      const own = source()
      const attempts: number[] = []
      const handler: Handler = async (_, attempt) => {
        attempts.push(attempt.number)
        return { status: attempt.number === 1 ? status : 200, headers: [], body: Buffer.from('x') }
      }
      const first = await own.receive(delivery({ 'x-idempotency-key': 'k' }), handler)
      expect(first.status).toBe(status === 199 ? 500 : status)
      const second = await own.receive(delivery({ 'x-idempotency-key': 'k' }), handler)
      expect([second.status, attempts]).toEqual([200, [1, 2]])
      expect(header(second, 'x-cached')).toEqual([])
    },
  )

  test('which answers are final can be chosen', async () => {
    const own = source({ recordable: ({ status }) => status === 404 })
    const handler = counting()
    await own.receive(delivery({ 'x-idempotency-key': 'a' }), handler)
    await own.receive(delivery({ 'x-idempotency-key': 'a' }), handler)
    expect(handler.runs).toBe(2)
    const missing: Handler = async () => ({ status: 404, headers: [], body: Buffer.from('gone') })
    await own.receive(delivery({ 'x-idempotency-key': 'b' }), missing)
    const again = await own.receive(delivery({ 'x-idempotency-key': 'b' }), handler)
    expect([again.status, text(again)]).toEqual([404, 'gone'])
  })

  test.each([[0], [2]])('of a body over a limit of %i bytes says that it is left out', async maxResponseBytes => {
    const own = source({ maxResponseBytes })
    const first = await own.receive(delivery({ 'x-idempotency-key': 'k' }), counting())
    expect(text(first)).toBe('run 1')
    const second = await own.receive(delivery({ 'x-idempotency-key': 'k' }), counting())
    expect([second.body.length, header(second, 'x-cached-body')]).toEqual([0, ['omitted']])
  })

  test('of a response that is too large says so; its remainder went to the first sender', async () => {
    const own = source()
    const rest = (async function* () {
      yield Buffer.from('rest')
    })()
    const first = await own.receive(delivery({ 'x-idempotency-key': 'k' }), async () => ({
      status: 200,
      headers: [['content-type', 'text/plain']],
      body: Buffer.from('beginning'),
      rest,
    }))
    expect(first.rest).toBe(rest)
    const second = await own.receive(delivery({ 'x-idempotency-key': 'k' }), counting())
    expect([second.status, second.body.length]).toEqual([200, 0])
    expect(header(second, 'x-cached-body')).toEqual(['omitted'])
    expect(header(second, 'content-type')).toEqual(['text/plain'])
  })
})

describe('the fingerprint', () => {
  const keyed = (body: string) => delivery({ 'x-idempotency-key': 'k' }, body)

  test('of another body is refused before, while and after the first is processed; the record stays', async () => {
    const own = source()
    const handler = counting()
    let refusedWhileRunning: Answer | undefined
    await own.receive(keyed('{"a":1}'), async (...args) => {
      refusedWhileRunning = await own.receive(keyed('{"a":2}'), handler)
      return handler(...args)
    })
    const refused = await own.receive(keyed('{"a":2}'), handler)
    for (const answer of [refusedWhileRunning!, refused])
      expect([answer.status, code(answer)]).toEqual([422, 'key_reused'])
    expect(text(await own.receive(keyed('{"a":1}'), handler))).toBe('run 1')
  })

  test('of a failed delivery still refuses another body', async () => {
    const own = source()
    await own.receive(keyed('1'), async () => {
      throw new Error('boom')
    })
    expect((await own.receive(keyed('2'), counting())).status).toBe(422)
  })

  test('is of the raw bytes: another order of JSON keys is another payload', async () => {
    const own = source()
    await own.receive(keyed('{"a":1,"b":2}'), counting())
    expect((await own.receive(keyed('{"b":2,"a":1}'), counting())).status).toBe(422)
  })

  test('can be left out, or be one’s own', async () => {
    const none = source({ fingerprint: 'none' })
    await none.receive(keyed('1'), counting())
    expect((await none.receive(keyed('2'), counting())).status).toBe(200)
    const own = source({ store: memoryStore(), fingerprint: each => each.json().id })
    await own.receive(keyed('{"id":"x","retry":1}'), counting())
    expect((await own.receive(keyed('{"id":"x","retry":2}'), counting())).status).toBe(200)
    expect((await own.receive(keyed('{"id":"y"}'), counting())).status).toBe(422)
  })

  test('two equal bodies under different keys are two operations', async () => {
    const own = source()
    const handler = counting()
    await own.receive(delivery({ 'x-idempotency-key': 'a' }), handler)
    await own.receive(delivery({ 'x-idempotency-key': 'b' }), handler)
    expect(handler.runs).toBe(2)
  })
})

describe('problems', () => {
  test('are RFC 9457 documents that leak nothing', async () => {
    const answer = await source().receive(delivery({ 'x-idempotency-key': 'k' }), () => {
      throw new Error('password=hunter2')
    })
    expect(header(answer, 'content-type')).toEqual(['application/problem+json'])
    expect(JSON.parse(text(answer))).toEqual({
      type: '/problems/handler_failed',
      title: PROBLEMS.handler_failed[1],
      status: 500,
      detail: expect.any(String),
      code: 'handler_failed',
    })
    expect(text(answer)).not.toContain('hunter2')
  })

  test.each([undefined, null, 'text', Object.create(null)])('a thrown %j is as good as an error', async thrown => {
    const own = receiver()
    const answer = await own.source({ name: 'own' }).receive(delivery({ 'x-idempotency-key': 'k' }), () => {
      throw thrown
    })
    expect([answer.status, (await own.record('own', 'k'))?.state]).toEqual([500, 'failed'])
  })

  test('an unreachable store is 503 with Retry-After, and the handler is not run', async () => {
    const broken = Object.assign(Object.create(store), {
      claim: () => Promise.reject(new StoreError('no', 'unknown')),
    })
    const handler = counting()
    const answer = await source({ store: broken }).receive(delivery({ 'x-idempotency-key': 'k' }), handler)
    expect([answer.status, code(answer), handler.runs]).toEqual([503, 'store_unavailable', 0])
    expect(Number(header(answer, 'retry-after')[0])).toBeGreaterThan(0)
  })

  test('a body over the limit is 413 before anything else is looked at', async () => {
    const answer = await source({ maxBodyBytes: 3 }).receive(delivery({ 'x-idempotency-key': '' }, '1234'), counting())
    expect([answer.status, code(answer)]).toEqual([413, 'body_too_large'])
  })

  test('a digest of one’s own that throws is 500, not a crash', async () => {
    const own = source({ fingerprint: each => each.json().id })
    expect((await own.receive(delivery({ 'x-idempotency-key': 'k' }, 'no json'), counting())).status).toBe(500)
  })
})

test('headers that only a receiver may set are dropped from what a sender sent', () => {
  const { headers } = delivery({ 'X-Cached': 'true', 'X-Cached-At': '1', 'X-Hookonce-Attempt': '9', 'X-Hit': 'true' })
  expect(headers).toEqual([['x-hit', 'true']])
  const raw = new Delivery({
    method: 'POST',
    url: '/',
    headers: ['X-Cached', 'true', 'X-Hit', 'true'],
    body: Buffer.alloc(0),
  })
  expect(raw.headers).toEqual([['x-hit', 'true']])
})

test('a record has the decoded response; after its deletion the key runs again', async () => {
  const own = receiver()
  const orders = own.source({ name: 'orders' })
  await orders.receive(delivery({ 'x-idempotency-key': 'k', authorization: 'Bearer secret' }), counting())
  const record = await own.record('orders', 'k')
  expect(record).toMatchObject({ scope: 'orders', key: 'k', state: 'completed', attempts: 1 })
  expect(record?.response).toMatchObject({ status: 200, bodyOmitted: false })
  expect(Buffer.from(record!.response!.body).toString()).toBe('run 1')
  expect(JSON.stringify(record)).not.toContain('secret')
  expect(await own.deleteRecord('orders', 'k')).toBe('deleted')
  expect(await own.record('orders', 'k')).toBeUndefined()
  const handler = counting()
  await orders.receive(delivery({ 'x-idempotency-key': 'k' }), handler)
  expect(handler.runs).toBe(1)
})

test('the stream of a remainder that is not sent is stopped', async () => {
  let stopped = false
  const rest = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false as const, value: Buffer.from('x') }),
      return: async () => {
        stopped = true
        return { done: true as const, value: undefined }
      },
    }),
  }
  const own = source()
  const answer = await own.receive(delivery({ 'x-idempotency-key': 'k' }, '{}', '/w'), async () => {
    await store.delete({ scope: 'webhook', key: 'k' }, { force: true })
    return { status: 200, headers: [], body: Buffer.from('beginning'), rest }
  })
  expect([answer.status, code(answer), stopped]).toEqual([503, 'attempt_failed', true])
})
