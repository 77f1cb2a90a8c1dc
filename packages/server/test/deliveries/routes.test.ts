import { memoryStore } from 'hookonce/stores/memory'
import { afterAll, describe, expect, test } from 'vitest'
import { closeApps, startApp } from '../support/app.js'
import { send, sendRaw } from '../support/http.js'

const KEY = 'X-Idempotency-Key'
const EVENT = '{"event": "test.event"}'

afterAll(closeApps)

/** A handler that counts its runs and can be held. */
function counting(answer: (run: number) => Response | Promise<Response> = run => Response.json({ run })) {
  const handle = Object.assign(() => answer(++handle.runs), { runs: 0 })
  return handle
}

function gate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

describe('a delivery', () => {
  test('with a key runs once; its duplicate gets the same answer, marked as a replay', async () => {
    const handle = counting()
    const { url } = await startApp({ sources: { default: { handle } } })
    const first = await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: EVENT })
    const second = await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: EVENT })
    expect(first.status).toBe(200)
    expect(first.headers['x-cached']).toBeUndefined()
    expect(second.body).toEqual(first.body)
    expect(second.headers).toMatchObject({ 'x-cached': 'true', 'idempotent-replayed': 'true' })
    expect(new Date(second.headers['x-cached-at'] as string).toISOString()).toBe(second.headers['x-cached-at'])
    expect(handle.runs).toBe(1)
  })

  test('without a key runs every time', async () => {
    const handle = counting()
    const { url } = await startApp({ sources: { default: { handle } } })
    await send(`${url}/webhook`, { body: EVENT })
    const second = await send(`${url}/webhook`, { body: EVENT })
    expect(handle.runs).toBe(2)
    expect(second.headers['x-cached']).toBeUndefined()
  })

  test('without a key is refused where the source requires one', async () => {
    const { url } = await startApp({ sources: { strict: { keyRequired: true } } })
    const answer = await send(`${url}/hooks/strict`, { body: EVENT })
    expect(answer.status).toBe(400)
    expect(answer.json.code).toBe('key_missing')
  })

  test.each([
    ['empty', [KEY, '']],
    ['over 255 bytes', [KEY, 'k'.repeat(256)]],
    ['not visible ASCII', [KEY, 'a b']],
    ['sent twice', [KEY, 'a', KEY, 'a']],
    ['in two headers that disagree', [KEY, 'a', 'Idempotency-Key', 'b']],
  ])('with a key that is %s is refused and not run', async (_, headers) => {
    const handle = counting()
    const { url } = await startApp({ sources: { default: { handle } } })
    const answer = await send(`${url}/webhook`, { headers, body: EVENT })
    expect(answer.status).toBe(400)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json.code).toBe('key_invalid')
    expect(handle.runs).toBe(0)
  })

  test('that duplicates a running attempt waits for its answer, and after the wait time gets 409', async () => {
    const held = gate()
    const handle = counting(() => held.opened.then(() => new Response('slow')))
    const { url } = await startApp({ sources: { default: { handle }, hasty: { handle, waitSeconds: 0 } } })
    const first = send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
    const joined = send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
    const hasty = send(`${url}/hooks/hasty`, { headers: { [KEY]: 'a' } })
    await expect.poll(() => handle.runs).toBe(2)
    const refused = await send(`${url}/hooks/hasty`, { headers: { [KEY]: 'a' } })
    expect(refused.status).toBe(409)
    expect(refused.headers['retry-after']).toBeDefined()
    held.open()
    expect([(await first).text, (await joined).text, (await hasty).text]).toEqual(['slow', 'slow', 'slow'])
    expect(handle.runs).toBe(2)
  })

  test('that failed shares its failure with the joined duplicates and releases its key', async () => {
    const held = gate()
    const handle = counting(async run => {
      if (run === 1) await held.opened
      return run === 1 ? new Response('no', { status: 418 }) : new Response('yes')
    })
    const { url } = await startApp({ env: { HOOKONCE_MAX_WAITERS: '1' }, sources: { default: { handle } } })
    const ask = () => send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
    const first = ask()
    await expect.poll(() => handle.runs).toBe(1)
    // There is room for one of them: when the other is turned away, it has joined.
    const joining = [ask(), ask()]
    expect((await Promise.race(joining)).status).toBe(409)
    held.open()
    expect((await first).status).toBe(418)
    expect((await Promise.all(joining)).map(({ status }) => status).sort()).toEqual([409, 418])
    expect((await ask()).text).toBe('yes')
    expect(handle.runs).toBe(2)
  })

  test('with a known key and another body is refused, and the record is unchanged', async () => {
    const { url } = await startApp()
    const first = await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: EVENT })
    const other = await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: '{}' })
    expect(other.status).toBe(422)
    expect((await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: EVENT })).text).toBe(first.text)
  })

  test('with a known key and another body is replayed without a fingerprint', async () => {
    const { url } = await startApp({ env: { HOOKONCE_FINGERPRINT: 'none' } })
    await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: EVENT })
    expect((await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: '{}' })).headers['x-cached']).toBe('true')
  })

  test.each(['chunked', 'declared'])('over the limit is refused while it is read (%s)', async how => {
    const handle = counting()
    const { url } = await startApp({ env: { HOOKONCE_MAX_BODY_BYTES: '10' }, sources: { default: { handle } } })
    const head = `POST /webhook HTTP/1.1\r\nHost: localhost\r\n`
    const answer = await sendRaw(
      url,
      how === 'chunked'
        ? `${head}Transfer-Encoding: chunked\r\n\r\n14\r\n${'x'.repeat(20)}\r\n`
        : `${head}Content-Length: 1000000\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/connection: close/i)
    expect(handle.runs).toBe(0)
  })

  test('that is not JSON is refused by the default handler only', async () => {
    const { url } = await startApp({
      sources: { any: { handle: d => new Response(d.body as Uint8Array<ArrayBuffer>) } },
    })
    const refused = await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: 'not json' })
    expect([refused.status, refused.json.code]).toEqual([400, 'body_invalid'])
    expect((await send(`${url}/hooks/any`, { body: 'not json' })).text).toBe('not json')
  })

  test('with JSON after a byte order mark is accepted by the default handler', async () => {
    const { url } = await startApp()
    expect((await send(`${url}/webhook`, { body: '\ufeff{"event":"test.event"}' })).json.status).toBe('success')
    expect((await send(`${url}/webhook`, { body: '\ufeff' })).status).toBe(400)
  })

  test('whose handler throws is answered 500, without internal details', async () => {
    const { url } = await startApp({
      sources: {
        default: {
          handle: () => {
            throw new Error('secret database password')
          },
        },
      },
    })
    const answer = await send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
    expect(answer.json).toMatchObject({ status: 500, code: 'handler_failed', type: '/problems/handler_failed' })
    expect(answer.text).not.toMatch(/secret/)
  })

  test('whose handler exceeds the lock TTL is answered 504', async () => {
    const { url } = await startApp({
      env: { HOOKONCE_LOCK_TTL_SECONDS: '0.5', HOOKONCE_LEASE_SECONDS: '0.3' },
      sources: {
        default: {
          handle: (_, { signal }) => new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason))),
        },
      },
    })
    const answer = await send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
    expect([answer.status, answer.json.code]).toEqual([504, 'attempt_timeout'])
  })

  test('is answered 503 and does not run when the store fails', async () => {
    const store = memoryStore()
    store.claim = () => new Promise(() => {})
    const handle = counting()
    const { url } = await startApp({
      store,
      env: { HOOKONCE_STORE_TIMEOUT_SECONDS: '0.05' },
      sources: { default: { handle } },
    })
    const answer = await send(`${url}/webhook`, { headers: { [KEY]: 'a' } })
    expect([answer.status, answer.json.code]).toEqual([503, 'store_unavailable'])
    expect(answer.headers['retry-after']).toBeDefined()
    expect(handle.runs).toBe(0)
  })

  test('is answered 503 with Connection: close while shutting down', async () => {
    const { url, gate } = await startApp()
    void gate.close()
    const answer = await send(`${url}/webhook`, { body: EVENT })
    expect([answer.status, answer.json.code, answer.headers.connection]).toEqual([503, 'shutting_down', 'close'])
    expect((await send(`${url}/readyz`, { method: 'GET' })).status).toBe(503)
  })

  test('is read as raw bytes, whatever its Content-Type', async () => {
    const { url } = await startApp({
      sources: { default: { handle: d => new Response(d.body as Uint8Array<ArrayBuffer>) } },
    })
    const body = Buffer.from([0, 255, 128, 10])
    for (const type of ['application/json', 'nonsense', 'a/b; =', 'application/octet-stream']) {
      expect((await send(`${url}/webhook`, { headers: { 'Content-Type': type }, body })).body).toEqual(body)
    }
    expect((await send(`${url}/webhook`, { body })).body).toEqual(body)
  })

  test('with too many header fields is refused, for one may be the key', async () => {
    const handle = counting()
    const { url } = await startApp({ sources: { default: { handle } } })
    const many = Array.from({ length: 300 }, (_, i) => [`x-${i}`, '1']).flat()
    expect((await send(`${url}/webhook`, { headers: [...many, KEY, 'a'] })).status).toBe(431)
    expect(handle.runs).toBe(0)
  })

  test('whose handler sets a header that HTTP does not allow is answered 500', async () => {
    const headers = {
      get: () => null,
      *[Symbol.iterator]() {
        yield ['x-bad', 'a\nb']
      },
    }
    const handle = () => ({ status: 200, headers, body: null, bodyUsed: false }) as unknown as Response
    const { url } = await startApp({ sources: { default: { handle } } })
    expect((await send(`${url}/webhook`)).status).toBe(500)
  })
})

test('/webhook and /hooks/default are one source; other sources have their own keys', async () => {
  const { url } = await startApp({ sources: { other: {} } })
  const first = await send(`${url}/webhook`, { headers: { [KEY]: 'a' }, body: EVENT })
  expect((await send(`${url}/hooks/default`, { headers: { [KEY]: 'a' }, body: EVENT })).text).toBe(first.text)
  expect(
    (await send(`${url}/hooks/other`, { headers: { [KEY]: 'a' }, body: EVENT })).headers['x-cached'],
  ).toBeUndefined()
  expect((await send(`${url}/hooks/unknown`, { body: EVENT })).status).toBe(404)
})

test('/webhook/no-idempotency runs the same handler every time and ignores the key', async () => {
  const seen: (string | null | undefined)[] = []
  const handle = (delivery: { header(name: string): string | undefined }, attempt: { key: string | null }) => {
    seen.push(delivery.header('x-idempotency-key'), attempt.key)
    return new Response('ok')
  }
  const { url } = await startApp({ sources: { default: { handle, keyRequired: true } } })
  for (let i = 0; i < 2; i++) {
    const answer = await send(`${url}/webhook/no-idempotency`, { headers: [KEY, 'a'] })
    expect([answer.status, answer.headers['x-cached']]).toEqual([200, undefined])
  }
  expect(seen).toEqual(['a', null, 'a', null])
})

test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PROPFIND'])(
  '%s on a delivery route is 405 and says what is allowed',
  async method => {
    const { url } = await startApp()
    for (const path of ['/webhook', '/hooks/default', '/webhook/no-idempotency']) {
      const answer = await send(url + path, { method })
      expect([answer.status, answer.headers.allow]).toEqual([405, 'OPTIONS, POST'])
      if (method !== 'HEAD') expect(answer.json.code).toBe('method_not_allowed')
    }
  },
)

test('invalid HTTP after a delivery does not affect the answer to it', async () => {
  const { opened, open } = gate()
  const handle = counting(async () => {
    await opened
    return new Response('first')
  })
  const { url } = await startApp({ sources: { default: { handle } } })
  const answered = sendRaw(
    url,
    `POST /webhook HTTP/1.1\r\nHost: x\r\n${KEY}: k1\r\nContent-Length: 2\r\n\r\n{}X\r\n\r\n`,
  )
  await expect.poll(() => handle.runs).toBe(1)
  open()
  expect(await answered).toMatch(/^HTTP\/1\.1 200 .*first$/s)
  const broken = `POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n`
  expect(await sendRaw(url, broken)).toMatch(/^HTTP\/1\.1 400 /)
})

test('invalid HTTP is answered with a problem, and the connection is closed', async () => {
  const { url } = await startApp()
  expect(await sendRaw(url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"bad_request"/s)
  const large = `POST /webhook HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`
  expect(await sendRaw(url, large)).toMatch(/^HTTP\/1\.1 431 .*"code":"headers_too_large"/s)
})

test('the other public routes describe the server', async () => {
  const { url } = await startApp()
  const get = (path: string, headers = {}) => send(url + path, { method: 'GET', headers })
  expect((await get('/health')).json).toEqual({ status: 'ok' })
  expect((await get('/healthz')).json).toEqual({ status: 'ok' })
  expect((await get('/readyz')).json).toEqual({ status: 'ready', store: 'memory' })
  expect((await get('/')).json.name).toBe('hookonce')
  expect((await get('/', { Accept: 'text/html' })).headers['content-type']).toMatch(/text\/html/)
  expect((await get('/problems/key_reused')).json).toMatchObject({ code: 'key_reused', status: 422 })
  expect((await get('/problems/nope')).status).toBe(404)
  expect((await get('/nope')).json).toMatchObject({ status: 404, code: 'not_found' })
  expect((await get('/problems/%zz')).json).toMatchObject({ status: 400, code: 'bad_request' })
})

test('not ready when the store does not answer', async () => {
  const store = memoryStore()
  store.ready = () => new Promise(() => {})
  const { url } = await startApp({ store, env: { HOOKONCE_STORE_TIMEOUT_SECONDS: '0.05' } })
  expect((await send(`${url}/readyz`, { method: 'GET' })).json.code).toBe('store_unavailable')
})
