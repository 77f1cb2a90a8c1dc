import type { Socket } from 'node:net'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { closeApps, startApp } from '../../support/app.js'
import { send } from '../../support/http.js'
import { type Sockets, startSockets } from '../../support/sockets.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const keyed = (key: string) => ({ 'X-Idempotency-Key': key })

let application: Sockets
afterEach(() => application?.close())
afterAll(closeApps)

async function start(answer: Parameters<typeof startSockets>[0], env: Record<string, string> = {}) {
  application = await startSockets(answer)
  return startApp({ env: { HOOKONCE_FORWARD_TO: application.url, ...env } })
}

const ENDS: [how: string, end: (socket: Socket) => void][] = [
  ['a reset', socket => socket.resetAndDestroy()],
  ['an orderly end', socket => socket.end()],
]

describe('a kept connection', () => {
  test.each(ENDS)('that ends with %s is replaced by a new one: the request is sent again', async (_, end) => {
    const { url } = await start((socket, _request, onSocket) => {
      if (onSocket === 1) socket.write(OK)
      else end(socket)
    })
    for (const key of ['a', 'b', 'c']) {
      const { status, text } = await send(`${url}/webhook`, { headers: keyed(key), body: `{"key":"${key}"}` })
      expect([status, text]).toEqual([200, 'ok'])
    }
    // The second is sent twice, whole, as the same attempt; its new connection is not kept.
    expect([application.requests.length, application.connections()]).toEqual([4, 3])
    const [second, again] = application.requests.slice(1)
    const told = (request: string) => request.toLowerCase().replace(/^connection: .*$/m, '')
    expect(told(again!)).toBe(told(second!))
    expect(again).toMatch(/x-hookonce-attempt: 1\r\n/i)
    expect(again).toContain('{"key":"b"}')
  })

  test.each(ENDS)('in an inbox too: %s costs no attempt', async (_, end) => {
    const { url, receiver } = await start(
      (socket, _request, onSocket) => {
        if (onSocket === 1) socket.write(OK)
        else end(socket)
      },
      { HOOKONCE_MODE: 'inbox' },
    )
    for (const key of ['a', 'b']) {
      await send(`${url}/webhook`, { headers: keyed(key) })
      await vi.waitFor(async () => expect((await receiver.record('default', key))?.state).toBe('completed'), 20_000)
      expect((await receiver.record('default', key))?.attempts).toBe(1)
    }
    expect(application.requests).toHaveLength(3)
  })

  test('that ends within a response is not retried: the application may have processed the request', async () => {
    const { url } = await start((socket, _request, onSocket) => {
      if (onSocket === 1) socket.write(OK)
      else socket.end('HTTP/1.1 2')
    })
    expect((await send(`${url}/webhook`)).status).toBe(200)
    expect((await send(`${url}/webhook`)).status).toBe(502)
    expect(application.requests).toHaveLength(2)
  })

  test('is replaced once: if the new one ends too, the answer is 502', async () => {
    let isOver = false
    const { url } = await start(socket => {
      if (isOver) socket.end()
      else socket.write(OK)
    })
    expect((await send(`${url}/webhook`)).status).toBe(200)
    isOver = true
    expect((await send(`${url}/webhook`)).status).toBe(502)
    expect([application.requests.length, application.connections()]).toEqual([3, 2])
  })

  test('and its replacement share one time limit', async () => {
    const { url } = await start(
      (socket, _request, onSocket) => {
        if (application.connections() === 1 && onSocket === 1) socket.write(OK)
        else if (application.connections() === 1) setTimeout(() => socket.end(), 800)
      },
      { HOOKONCE_FORWARD_TIMEOUT_SECONDS: '1' },
    )
    expect((await send(`${url}/webhook`)).status).toBe(200)
    const from = performance.now()
    expect((await send(`${url}/webhook`)).status).toBe(504)
    expect(performance.now() - from).toBeLessThan(1_700)
    expect(application.requests).toHaveLength(3)
  })
})

test('a new connection that ends without a response is not retried', async () => {
  const { url } = await start(socket => socket.end())
  expect((await send(`${url}/webhook`)).status).toBe(502)
  expect(application.requests).toHaveLength(1)
})

describe('a response without content', () => {
  test.each([
    ['204 and a body in one packet', ['HTTP/1.1 204 No Content\r\nContent-Length: 11\r\n\r\n{"ok":true}']],
    ['204 and a body in the next', ['HTTP/1.1 204 No Content\r\nContent-Length: 11\r\n\r\n', '{"ok":true}']],
    ['204 and chunks', ['HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', '2\r\nok\r\n0\r\n\r\n']],
  ])('%s is a 204, recorded, and leaves nothing to the next', async (_, packets) => {
    const { url, receiver } = await start(async socket => {
      for (const packet of packets) {
        socket.write(packet)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    })
    for (const key of ['a', 'a', 'b']) {
      const { status, body } = await send(`${url}/webhook`, { headers: keyed(key) })
      expect([status, body.length]).toEqual([204, 0])
    }
    expect(application.requests).toHaveLength(2)
    expect((await receiver.record('default', 'a'))?.response?.status).toBe(204)
  })

  test('204 keeps its connection if it announces no content', async () => {
    const { url } = await start(socket => socket.write('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'))
    for (const key of ['a', 'b', 'c']) {
      expect((await send(`${url}/webhook`, { headers: keyed(key) })).status).toBe(204)
    }
    expect(application.connections()).toBe(1)
  })

  test('304 may have a content-length', async () => {
    const { url } = await start(socket => socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n'))
    for (const _ of ['one', 'two']) expect((await send(`${url}/webhook`)).status).toBe(304)
    expect(application.connections()).toBe(1)
  })
})

test('informational responses (1xx) are ignored', async () => {
  const { url } = await start(socket =>
    socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`),
  )
  const answer = await send(`${url}/webhook`)
  expect([answer.status, answer.text, answer.headers.link]).toEqual([200, 'ok', undefined])
})

test('a response with an upgrade is a 502', async () => {
  const { url } = await start(socket =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
  )
  expect((await send(`${url}/webhook`)).status).toBe(502)
})

test('response headers of up to 64 KiB are accepted, whatever their number; more is a 502', async () => {
  const fields = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, i) => `X-${i}: ${'v'.repeat(bytes)}\r\n`).join('')
  let head = fields(60, 1_000)
  const { url, receiver } = await start(socket => socket.write(`HTTP/1.1 200 OK\r\n${head}Content-Length: 0\r\n\r\n`))
  const large = await send(`${url}/webhook`, { headers: keyed('large') })
  expect([large.status, large.headers['x-59']?.length]).toEqual([200, 1_000])

  head = fields(2_500, 1)
  const { status } = await send(`${url}/webhook`, { headers: keyed('many') })
  expect(status).toBe(200)
  expect((await receiver.record('default', 'many'))?.response?.headers).toHaveLength(2_500)

  head = fields(70, 1_000)
  expect((await send(`${url}/webhook`, { headers: keyed('too-large') })).status).toBe(502)
})
