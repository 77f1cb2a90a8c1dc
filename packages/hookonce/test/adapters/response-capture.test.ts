import { once } from 'node:events'
import { type RequestListener, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { finished, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { handleNode, type NodeHandler } from 'hookonce/adapters/node'
import { expect, onTestFinished, test } from 'vitest'
import { deliver, eventually, gate, listen, open, receiverOver } from './harness.js'

const serve = async (
  handler: NodeHandler,
  options = {},
  around: (listener: RequestListener) => RequestListener = l => l,
) => {
  const made = receiverOver(options)
  return { ...made, ...(await listen(around(handleNode(made.source, handler)))) }
}

const code = (run: () => unknown): unknown => {
  try {
    run()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

test('a response shows its handler that it has ended, and emits finish when it is sent', async () => {
  const seen: unknown[] = []
  let res!: ServerResponse
  const methods = ['write', 'end', 'emit', 'setHeader'] as const
  const { port } = await serve((_, response) => {
    res = response
    const look = () => seen.push([res.headersSent, res.writableEnded, res.writableFinished])
    look()
    res.on('finish', () => {
      seen.push('finish')
      look()
    })
    res.write('a')
    look()
    seen.push(
      code(() => res.setHeader('x-late', '1')),
      code(() => res.writeHead(200)),
      res.hasHeader('x-late'),
    )
    res.end('b')
    look()
    res.end()
    seen.push(
      code(() => res.removeHeader('x-late')),
      code(() => res.write(7 as never)),
    )
  })
  expect((await deliver(port, { key: 'k' })).body.toString()).toBe('ab')
  await eventually(() => seen.includes('finish'))
  expect(seen).toEqual([
    [false, false, false],
    [true, false, false],
    'ERR_HTTP_HEADERS_SENT',
    'ERR_HTTP_HEADERS_SENT',
    false,
    [true, true, false],
    'ERR_HTTP_HEADERS_SENT',
    'ERR_INVALID_ARG_TYPE',
    'finish',
    [true, true, true],
  ])
  for (const name of methods) expect(res[name], name).toBe(ServerResponse.prototype[name])
})

test('an answer other than the captured one has no trace of it, and its writer does not wait', async () => {
  let done = false
  const { port, receiver } = await serve(
    async (_, res) => {
      await receiver.deleteRecord('webhook', 'k', { force: true })
      res.appendHeader('x-list', 'mine')
      res.writeHead(201, 'Mine', { 'set-cookie': 'a=1', 'x-mine': '1', 'content-type': 'text/plain' })
      for (let i = 0; i < 5; i++) if (!res.write('mine'.repeat(100))) await once(res, 'drain')
      res.end()
      done = true
    },
    { maxResponseBytes: 1_000 },
    listener => (req, res) => {
      res.setHeader('x-list', ['outside'])
      listener(req, res)
    },
  )
  const answer = await deliver(port, { key: 'k' })
  expect([answer.status, answer.header('content-type')]).toEqual([504, 'application/problem+json'])
  expect(['x-mine', 'set-cookie', 'x-list'].map(answer.header)).toEqual([undefined, undefined, 'outside'])
  expect(answer.headers.filter(([name]) => name === 'x-list')).toHaveLength(1)
  await eventually(() => done)
})

test('a handler can use its response in every way after its sender got a 504', async () => {
  const answering = gate()
  const outside: unknown[] = []
  let piped: unknown = 'never'
  const { port, receiver } = await serve(
    async (_, res) => {
      const closed = new Promise(resolve => finished(res, resolve))
      await answering.opened
      res.setHeader('x-late', '1')
      await pipeline(Readable.from(['late', ' answer']), res).then(
        () => {
          piped = 'done'
        },
        error => {
          piped = error
        },
      )
      await closed
    },
    { lockTtlMs: 60 },
    listener => (req, res) => {
      res.on('finish', () => outside.push(res.statusCode))
      listener(req, res)
    },
  )
  expect((await deliver(port, { key: 'k' })).status).toBe(504)
  await eventually(() => outside.length)
  answering.open()
  await receiver.settled()
  const retry = await deliver(port, { key: 'k' })
  expect([retry.status, retry.header('x-late'), retry.body.toString()]).toEqual([200, '1', 'late answer'])
  expect(retry.header('x-cached')).toBe('true')
  await eventually(() => piped !== 'never')
  expect([piped, outside]).toEqual(['done', [504, 200]])
})

test('a late answer is recorded although its sender disconnected before the 504', async () => {
  const answering = gate()
  let signal: AbortSignal | undefined
  const { port, sockets, receiver } = await serve(
    async (_, res, attempt) => {
      signal = attempt.signal
      await answering.opened
      await pipeline(Readable.from(['late']), res)
    },
    { lockTtlMs: 100 },
  )
  const { req } = open(port, { key: 'k' })
  req.end('{"event":1}')
  await eventually(() => signal)
  req.destroy()
  await eventually(() => sockets[0].closed && signal!.aborted)
  await turn()
  answering.open()
  await receiver.settled()
  const retry = await deliver(port, { key: 'k' })
  expect([retry.body.toString(), retry.header('x-cached')]).toEqual(['late', 'true'])
})

test('headers and wrapped methods of earlier middleware apply to every answer and are not recorded', async () => {
  let requests = 0
  let ends = 0
  const { port, receiver } = await serve(
    (_, res) => {
      res.appendHeader('vary', 'accept').setHeader('x-mine', '1')
      res.end('ok')
    },
    {},
    listener => (req, res) => {
      res.setHeader('x-request', String(++requests)).setHeader('vary', 'origin')
      const end = res.end
      res.end = ((...args: Parameters<typeof end>) => {
        ends++
        return end.apply(res, args)
      }) as typeof end
      listener(req, res)
    },
  )
  const answers = [await deliver(port, { key: 'k' }), await deliver(port, { key: 'k' })]
  const conflict = await deliver(port, { key: 'k', body: '{}' })
  expect(answers.map(answer => answer.header('x-request'))).toEqual(['1', '2'])
  expect(conflict.header('x-request')).toBe('3')
  const vary = answers.map(({ headers }) => headers.filter(([name]) => name === 'vary').map(([, value]) => value))
  expect(vary).toEqual([
    ['origin', 'accept'],
    ['origin', 'accept'],
  ])
  expect(conflict.header('vary')).toBe('origin')
  const { headers } = (await receiver.record('webhook', 'k'))!.response!
  expect(headers).toEqual([
    ['vary', 'origin'],
    ['vary', 'accept'],
    ['x-mine', '1'],
  ])
  expect(ends).toBe(3)
})

test('a handler that heeds backpressure waits for a slow sender, and gets its drain events', async () => {
  const calls = { written: 0, callbacks: 0, drains: 0 }
  const { port } = await serve(
    async (_, res) => {
      for (let i = 0; i < 100; i++) {
        calls.written++
        if (res.write(Buffer.alloc(65_536, i), () => calls.callbacks++)) continue
        await once(res, 'drain')
        calls.drains++
      }
      res.end()
    },
    { maxResponseBytes: 100_000 },
  )
  const { body } = await deliver(port, { key: 'k' })
  expect([body.length, calls.callbacks]).toEqual([6_553_600, 100])
  expect(calls.drains).toBeGreaterThan(90)
})

test('an error after the recorded part cuts the connection: the sender sees an incomplete body', async () => {
  const { port, events } = await serve(
    (_, res) =>
      pipeline(async function* () {
        yield Buffer.alloc(2_000)
        await turn()
        throw new Error('broken')
      }, res),
    { maxResponseBytes: 1_000 },
  )
  await expect(deliver(port, { key: 'k' })).rejects.toThrow(/aborted|hang up/)
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'receiver_failed', scope: 'webhook', error: new Error('broken') }),
  )
})

test('requests in a pipeline on one connection are answered in order', async () => {
  const first = gate()
  const { port } = await serve(async (req, res) => {
    if (req.url === '/1') await first.opened
    res.end(req.url)
    if (req.url === '/3') first.open()
  })
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  for (const n of [1, 2, 3]) {
    const last = n === 3 ? 'Connection: close\r\n' : ''
    socket.write(`POST /${n} HTTP/1.1\r\nHost: h\r\nX-Idempotency-Key: k${n}\r\nContent-Length: 2\r\n${last}\r\n{}`)
  }
  let received = ''
  for await (const chunk of socket) received += chunk
  expect(received.match(/^\/\d/gm)).toEqual(['/1', '/2', '/3'])
})

test('HEAD is answered without a body, first and replayed', async () => {
  const { port } = await serve((_, res) => res.setHeader('x-mine', '1').end('not for HEAD'))
  for (let i = 0; i < 2; i++) {
    const answer = await deliver(port, { key: 'k', method: 'HEAD', body: '' })
    expect([answer.status, answer.body.length, answer.header('x-mine')]).toEqual([200, 0, '1'])
  }
})

test('invalid JSON is answered 400 without a run, and a sender that disconnects in its body is dropped', async () => {
  let runs = 0
  const { port, sockets } = await serve((req, res) => {
    runs++
    res.end(JSON.stringify(req.body))
  })
  expect((await deliver(port, { key: 'k', body: '{' })).status).toBe(400)
  const { req } = open(port, { key: 'k', headers: [['content-length', '100']] })
  req.write('{')
  await eventually(() => sockets[1]?.bytesRead)
  req.destroy()
  await eventually(() => sockets[1].closed)
  expect(runs).toBe(0)
  const form = {
    body: 'a=1&b=2',
    headers: [['content-type', 'application/x-www-form-urlencoded']] as [string, string][],
  }
  expect((await deliver(port, form)).body.toString()).toBe('{"a":"1","b":"2"}')
})
