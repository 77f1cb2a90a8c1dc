import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, expect, test } from 'vitest'
import { forward } from '../../../src/config/file.js'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'
import { startUpstream, type Upstream, type UpstreamAnswer } from '../../support/upstream.js'

const KEY = 'X-Idempotency-Key'
const keyed = { [KEY]: 'a' }

let upstream: Upstream
afterEach(() => upstream?.close())
afterAll(closeApps)

async function start(answer?: UpstreamAnswer, env: Record<string, string> = {}) {
  upstream = await startUpstream(answer)
  return startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url, ...env } })
}

test('bodies are forwarded and returned byte for byte, compressed ones too', async () => {
  const zipped = gzipSync('{"answer": 42}')
  const { url } = await start((_, response) => response.setHeader('Content-Encoding', 'gzip').end(zipped))
  const body = gzipSync(Buffer.from([0, 255, 128]))
  const headers = { ...keyed, 'Content-Encoding': 'gzip', 'Accept-Encoding': 'gzip, br' }
  for (const _ of ['first', 'replay']) {
    const answer = await send(`${url}/webhook`, { headers, body })
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(answer.body).toEqual(zipped)
  }
  expect(upstream.calls).toHaveLength(1)
  expect(upstream.calls[0]!.body).toEqual(body)
  expect(upstream.calls[0]!.headers).toMatchObject({ 'content-encoding': 'gzip', 'accept-encoding': 'gzip, br' })
})

test('the application sees the end-to-end headers, its own host, the key and the attempt', async () => {
  const { url } = await start()
  const headers = Object.entries({
    'X-Signature': 'sig',
    Connection: 'X-Hop, close',
    'X-Hop': 'gone',
    TE: 'trailers',
    'Proxy-Authorization': 'gone',
    'Keep-Alive': 'gone',
    'Idempotency-Key': '"a"',
    'X-Hookonce-Attempt': '99',
    'X-Cached': 'true',
    Authorization: 'Bearer sender',
  }).flat()
  headers.push('X-Twice', '1', 'X-Twice', '2')
  await send(`${url}/webhook?a=1`, { headers, body: '{}' })
  const [call] = upstream.calls
  expect(call!.headers).toMatchObject({
    host: new URL(upstream.url).host,
    'content-length': '2',
    'x-signature': 'sig',
    'x-twice': '1, 2',
    'idempotency-key': 'a',
    'x-hookonce-attempt': '1',
    'x-hookonce-fencing-token': expect.stringMatching(/^\d+$/),
    authorization: 'Bearer sender',
  })
  for (const name of ['x-hop', 'te', 'proxy-authorization', 'x-cached']) expect(call!.headers).not.toHaveProperty(name)
  expect(call!.rawHeaders.filter(name => /^idempotency-key$/i.test(name))).toHaveLength(1)
  expect(call!.url).toBe('/hooks?a=1')
})

test('without a key the application gets none', async () => {
  const { url } = await start()
  await send(`${url}/webhook`)
  expect(upstream.calls[0]!.headers).not.toHaveProperty('idempotency-key')
  expect(upstream.calls[0]!.headers).toHaveProperty('x-hookonce-attempt', '1')
})

/** The bytes of UTF-8, as Node shows header values. */
const UTF8_NAME = Buffer.from('Zoë').toString('latin1')

test('response headers are returned as they are, repeated ones too; cookies to the first sender only', async () => {
  const { url } = await start((_, response) =>
    response
      .writeHead(
        202,
        [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['X-Name', UTF8_NAME],
          ['Connection', 'X-Hop'],
          ['X-Hop', '1'],
        ].flat(),
      )
      .end('ok'),
  )
  const first = await send(`${url}/webhook`, { headers: keyed })
  expect(first.status).toBe(202)
  expect(first.headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-name': UTF8_NAME })
  expect(first.headers).not.toHaveProperty('x-hop')
  const replay = await send(`${url}/webhook`, { headers: keyed })
  expect(replay.headers).toMatchObject({ 'x-cached': 'true', 'x-name': UTF8_NAME })
  expect(replay.headers).not.toHaveProperty('set-cookie')
})

test('a redirect is not followed', async () => {
  const { url } = await start((_, response) => response.writeHead(307, { Location: '/elsewhere' }).end())
  const answer = await send(`${url}/webhook`, { headers: keyed })
  expect([answer.status, answer.headers.location]).toEqual([307, '/elsewhere'])
  expect(upstream.calls).toHaveLength(1)
})

test('a 500 is returned, and the retry is attempt 2 with a larger fencing token', async () => {
  const { url } = await start((_, response) =>
    response.writeHead(upstream.calls.length === 1 ? 500 : 200).end('as it is'),
  )
  const first = await send(`${url}/webhook`, { headers: keyed })
  expect([first.status, first.text]).toEqual([500, 'as it is'])
  expect((await send(`${url}/webhook`, { headers: keyed })).status).toBe(200)
  const [one, two] = upstream.calls.map(({ headers }) => headers)
  expect([one!['x-hookonce-attempt'], two!['x-hookonce-attempt']]).toEqual(['1', '2'])
  const token = (headers: typeof one) => BigInt(headers!['x-hookonce-fencing-token'] as string)
  expect(token(two) > token(one)).toBe(true)
})

test('without a reachable application the answer is 502, and the key is free again', async () => {
  upstream = await startUpstream()
  upstream.close()
  const { url, logged } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url.replace('//', '//user:secret@') } })
  const answer = await send(`${url}/webhook`, { headers: keyed })
  expect([answer.status, answer.json.code]).toEqual([502, 'upstream_unreachable'])
  expect(logged()).toMatch(/ECONNREFUSED/)
  expect(logged()).not.toMatch(/secret/)
})

test('credentials of the URL are sent as Authorization', async () => {
  upstream = await startUpstream()
  const { url } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url.replace('//', '//user:p%40ss@') } })
  await send(`${url}/webhook`, { headers: { Authorization: 'Bearer sender' } })
  expect(upstream.calls[0]!.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
})

test.each<[string, UpstreamAnswer]>([
  ['never answers', () => {}],
  ['never ends its body', (_, response) => response.write('beginning')],
])('an application that %s is a 504', async (_, answer) => {
  const { url } = await start(answer, { HOOKONCE_FORWARD_TIMEOUT_SECONDS: '0.2' })
  const given = await send(`${url}/webhook`, { headers: keyed })
  expect([given.status, given.json.code]).toEqual([504, 'upstream_timeout'])
})

test('a response that ends early is a 502', async () => {
  const { url } = await start((_, response) => {
    response.writeHead(200, { 'Content-Length': '100' }).write('part', () => response.destroy())
  })
  expect((await send(`${url}/webhook`, { headers: keyed })).status).toBe(502)
})

test('a response too large to record is streamed once; replays say that the body was omitted', async () => {
  const large = Buffer.alloc(300_000, 'x')
  const { url } = await start((_, response) => response.setHeader('X-Kind', 'large').end(large), {
    HOOKONCE_MAX_RESPONSE_BYTES: '1000',
  })
  const first = await send(`${url}/webhook`, { headers: keyed })
  expect(first.body.equals(large)).toBe(true)
  const replay = await send(`${url}/webhook`, { headers: keyed })
  expect(replay.headers).toMatchObject({ 'x-cached-body': 'omitted', 'x-kind': 'large', 'x-cached': 'true' })
  expect(replay.body).toHaveLength(0)
  expect(upstream.calls).toHaveLength(1)
})

test('a lost attempt aborts the request to the application', async () => {
  let gone = () => {}
  const aborted = new Promise<void>(resolve => {
    gone = resolve
  })
  const { url } = await start((_, response) => response.on('close', gone), {
    HOOKONCE_LOCK_TTL_SECONDS: '0.3',
  })
  expect((await send(`${url}/webhook`, { headers: keyed })).status).toBe(504)
  await aborted
})

test('if the sender disconnects, the attempt goes on and its retry is a replay', async () => {
  const { url } = await start()
  upstream.shutGate()
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(`POST /webhook HTTP/1.1\r\nHost: x\r\n${KEY}: a\r\nContent-Length: 0\r\n\r\n`)
  await upstream.called(1)
  socket.destroy()
  upstream.openGate()
  const retry = await send(`${url}/webhook`, { headers: keyed })
  expect([retry.text, upstream.calls.length]).toEqual(['done', 1])
})

test('a source of the config file has its own target and timeout', async () => {
  upstream = await startUpstream(() => {})
  const { url } = await startApp({ sources: { shop: { handle: forward(upstream.url, { timeoutSeconds: 0.1 }) } } })
  expect((await send(`${url}/hooks/shop`)).status).toBe(504)
})

test('a connection without a response is a 504, a broken one a 502', async () => {
  const silent = createServer(socket => socket.on('error', () => {}))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  const { url } = await startApp({
    env: { HOOKONCE_FORWARD_TO: `http://127.0.0.1:${port}`, HOOKONCE_FORWARD_TIMEOUT_SECONDS: '0.2' },
  })
  expect((await send(`${url}/webhook`)).status).toBe(504)
  silent.on('connection', socket => socket.destroy())
  expect((await send(`${url}/webhook`)).status).toBe(502)
  silent.close()
})

test.each<[target: string, sent: string, asked: string]>([
  ['', '?a=1&b=2', '?a=1&b=2'],
  ['?token=a', '', '?token=a'],
  ['?token=a', '?', '?token=a'],
  ['?token=a', '?x=1', '?token=a&x=1'],
  ['?token=a', '?token=b', '?token=a'],
  ['?token=a&v=2', '?x=1&token=b&v=&y=2', '?token=a&v=2&x=1&y=2'],
  ['?token=a', '?%74oken=b&TOKEN=c&token[]=d&token%5Bx%5D=e&+token=f&token%00z=g', '?token=a'],
  ['?api_key=a', '?api.key=b&api+key=c&api%20key=d&api[key=e', '?api_key=a'],
  ['?token=a', '?x=1;token=b&y=%zz', '?token=a&y=%zz'],
  ['?token=a', '?tokens=b&my_token=c', '?token=a&tokens=b&my_token=c'],
])("the target's own query wins: %s asked with %s is %s", async (target, sent, asked) => {
  upstream = await startUpstream()
  const { url } = await startApp({ env: { HOOKONCE_FORWARD_TO: upstream.url + target } })
  await send(`${url}/webhook${sent}`)
  expect(upstream.calls[0]!.url).toBe(`/hooks${asked}`)
})

/** What the application behind CGI, WSGI or PHP would see under each name. */
const folded = (rawHeaders: string[]) => {
  const seen = new Map<string, string[]>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toUpperCase().replace(/[^A-Z0-9]/g, '_')
    seen.set(name, [...(seen.get(name) ?? []), rawHeaders[i + 1]!])
  }
  return seen
}

test.each(['inline', 'inbox'])(
  '%s: no name of a sender is taken for one of the receiver, however it is spelled',
  async mode => {
    const { url } = await start(undefined, { HOOKONCE_MODE: mode })
    const forged = [
      ...['X_Hookonce_Attempt', 'X-Hookonce_Attempt', 'x.hookonce.attempt', 'X_Hookonce_Fencing_Token', 'X_Cached'],
      ...[
        'Idempotency_Key',
        'Idempotency.Key',
        'X_Request_Id',
        'Proxy_Authorization',
        'Transfer_Encoding',
        'Keep_Alive',
      ],
      ...['Content_Length', 'Proxy.Connection', 'X_Hop'],
    ]
    const headers = [
      ...forged.flatMap(name => [name, 'forged']),
      'Connection',
      'X-Hop',
      'X_Other',
      'kept',
      'X-Idempotency-Key',
      'a',
    ]
    await send(`${url}/webhook`, { headers, body: '{}' })
    await upstream.called(1)
    const seen = folded(upstream.calls[0]!.rawHeaders)
    expect([...seen.values()].flat()).not.toContain('forged')
    expect(seen.get('IDEMPOTENCY_KEY')).toEqual(['a'])
    expect(seen.get('X_HOOKONCE_ATTEMPT')).toEqual(['1'])
    expect(seen.get('CONTENT_LENGTH')).toEqual(['2'])
    expect(seen.get('X_OTHER')).toEqual(['kept'])
    expect(seen.get('X_REQUEST_ID')).toHaveLength(1)
  },
)

test('a header like Idempotency_Key is neither a key here nor at the application', async () => {
  const { url } = await start()
  for (const _ of ['one', 'two']) await send(`${url}/webhook`, { headers: { Idempotency_Key: 'a' } })
  expect(upstream.calls).toHaveLength(2)
  expect(folded(upstream.calls[0]!.rawHeaders).has('IDEMPOTENCY_KEY')).toBe(false)
})

test('an application cannot mark a response as a replay, in any spelling', async () => {
  const { url } = await start((_, response) =>
    response.setHeader('X_Cached', 'true').setHeader('Idempotent_Replayed', 'true').setHeader('Keep_Alive', '1').end(),
  )
  const { headers } = await send(`${url}/webhook`, { headers: keyed })
  for (const name of ['x_cached', 'idempotent_replayed', 'keep_alive']) expect(headers).not.toHaveProperty(name)
})
