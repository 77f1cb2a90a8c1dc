import { createHmac } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import type { Source } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/koa'
import { hmac } from 'hookonce/senders/hmac'
import Koa, { type Context, type Middleware } from 'koa'
import { koaBody } from 'koa-body'
import { describe, expect, test } from 'vitest'
import { adapterCases } from './cases.js'
import {
  type Adapter,
  type Before,
  deliver,
  type Failure,
  isReplay,
  listen,
  receiverOver,
  type Way,
} from './harness.js'

const FILE_TEXT = 'a file\n'
const SECRET = 'whsec_of_a_test_that_is_long_enough'

function listenerOf(...middleware: Middleware[]): RequestListener {
  const app = new Koa()
  // Koa prints the errors that it answers.
  app.silent = true
  for (const each of middleware) app.use(each)
  return app.callback()
}

const awaiting =
  (before: Before): Middleware =>
  async (_, next) => {
    await before()
    await next()
  }

const way = (name: string, answer: Middleware, body: string, more: Partial<Way> = {}): Way => ({
  name,
  body,
  ...more,
  listener: (source, before) => listenerOf(idempotent(source), awaiting(before), answer),
})

const failure = (name: string, fail: Middleware): Failure => ({
  name,
  listener: (source, before) =>
    listenerOf(
      idempotent(source),
      async (ctx, next) => {
        if (await before()) await next()
        else ctx.body = 'recovered'
      },
      fail,
    ),
})

const answering =
  (change: (ctx: Context) => void): Middleware =>
  ctx =>
    change(ctx)

const koaAdapter: Adapter = {
  name: 'Koa',
  listener: (source, handle) =>
    listenerOf(idempotent(source), async ctx => {
      const { rawBody } = ctx.request as unknown as { rawBody: Buffer }
      const { status = 200, headers = [], body, stream } = await handle({ body: rawBody, attempt: attemptOf(ctx) })
      ctx.body = stream ? Readable.from(stream) : body && Buffer.from(body)
      ctx.status = status
      for (const [name] of headers)
        ctx.set(
          name,
          headers.filter(([other]) => other === name).map(([, value]) => value),
        )
      if (body === undefined && stream === undefined) ctx.res.end()
    }),
  ways: [
    way(
      'an object',
      answering(ctx => (ctx.body = { ok: true })),
      '{"ok":true}',
      {
        headers: { 'content-type': 'application/json; charset=utf-8' },
      },
    ),
    way(
      'a string',
      answering(ctx => (ctx.body = 'done')),
      'done',
      {
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      },
    ),
    way(
      'a Buffer',
      answering(ctx => (ctx.body = Buffer.from('done'))),
      'done',
    ),
    way(
      'a stream',
      answering(ctx => (ctx.body = createReadStream(new URL('./fixture.txt', import.meta.url)))),
      FILE_TEXT,
    ),
    way(
      'a web Response',
      answering(ctx => (ctx.body = new Response('done'))),
      'done',
    ),
    way(
      '204',
      answering(ctx => (ctx.status = 204)),
      '',
      { status: 204 },
    ),
    way(
      'a status and headers',
      answering(ctx => {
        ctx.status = 201
        ctx.set('x-one', '1')
        ctx.body = 'done'
      }),
      'done',
      { status: 201, headers: { 'x-one': '1' } },
    ),
    way(
      'ctx.res, past Koa',
      answering(ctx => {
        ctx.respond = false
        setTimeout(() => ctx.res.writeHead(202).end('late'), 1)
      }),
      'late',
      { status: 202 },
    ),
  ],
  failures: [
    failure('thrown', () => {
      throw new Error('internal')
    }),
    failure('rejected', async () => {
      throw new Error('internal')
    }),
    failure('ctx.throw', ctx => ctx.throw(500, 'internal', { expose: false })),
    failure('a stream that fails', ctx => {
      ctx.body = Readable.from(
        (async function* () {
          yield Buffer.from('half')
          throw new Error('internal')
        })(),
      )
    }),
    failure('the response destroyed', ctx => {
      ctx.respond = false
      ctx.res.destroy()
    }),
  ],
}

adapterCases(koaAdapter)

describe('in a Koa application', () => {
  const setUp = (source: Source, ...middleware: Middleware[]) => {
    const router = new Router()
    router.post('/webhook', idempotent(source), ...middleware)
    return router.routes() as Middleware
  }
  const echo: Middleware = ctx => {
    ctx.body = (ctx.request as unknown as { body: unknown }).body as object
  }

  test('a route is one line, behind middleware that sets headers for every delivery', async () => {
    const stamp: Middleware = async (ctx, next) => {
      ctx.set('x-stamp', 'on')
      await next()
    }
    const { source } = receiverOver()
    const { port } = await listen(listenerOf(stamp, setUp(source, echo)))
    for (const replayed of [false, true]) {
      const answer = await deliver(port, { key: 'k', body: '{"a":1}' })
      expect([answer.body.toString(), answer.header('x-stamp'), isReplay(answer)]).toEqual(['{"a":1}', 'on', replayed])
    }
  })

  test.each([
    ['@koa/bodyparser', bodyParser()],
    ['koa-body', koaBody({ multipart: true })],
  ])('%s may follow: JSON and forms are parsed', async (_, parser) => {
    const { source } = receiverOver()
    const { port } = await listen(listenerOf(setUp(source, parser as Middleware, echo)))
    expect((await deliver(port, { body: '{"a":1}' })).body.toString()).toBe('{"a":1}')
    const headers: [string, string][] = [['content-type', 'application/x-www-form-urlencoded']]
    expect((await deliver(port, { headers, body: 'a=1' })).body.toString()).toBe('{"a":"1"}')
  })

  test('koa-body that follows gets a multipart form whole', async () => {
    const { source } = receiverOver()
    const { port } = await listen(listenerOf(setUp(source, koaBody({ multipart: true }) as Middleware, echo)))
    const body = ['--B', 'Content-Disposition: form-data; name="from"', '', 'a@b.example', '--B--', ''].join('\r\n')
    const headers: [string, string][] = [['content-type', 'multipart/form-data; boundary=B']]
    expect((await deliver(port, { headers, body })).body.toString()).toBe('{"from":"a@b.example"}')
  })

  test('a parser that came first without keeping the bytes is an error that says so, at once', async () => {
    const { source, events } = receiverOver()
    const { port } = await listen(listenerOf(bodyParser() as Middleware, setUp(source, echo)))
    expect((await deliver(port, { key: 'k' })).status).toBe(500)
    expect(events).toMatchObject([{ type: 'receiver_failed' }])
    expect(String((events[0] as { error: unknown }).error)).toMatch(/mount it before body parsers/)
  })

  test("a sender's signature is verified over the bytes", async () => {
    const { receiver } = receiverOver()
    const source = receiver.source({ name: 'orders', sender: hmac({ secrets: [SECRET] }) })
    const { port } = await listen(listenerOf(setUp(source, bodyParser() as Middleware, echo)))
    const body = '{ "a":  1 }'
    const signed = (secret: string): [string, string][] => [
      ['x-signature', createHmac('sha256', secret).update(body).digest('hex')],
    ]
    expect((await deliver(port, { body, headers: signed(SECRET) })).body.toString()).toBe('{"a":1}')
    expect((await deliver(port, { body, headers: signed('another') })).status).toBe(401)
  })

  test('an error is an event; one that is the fault of the sender is not', async () => {
    const { source, events } = receiverOver()
    const failing: Middleware = ctx => ctx.throw(ctx.query.status === '400' ? 400 : 500, 'failed')
    const { port } = await listen(listenerOf(setUp(source, failing)))
    await deliver(port, { key: 'a', path: '/webhook?status=400' })
    expect(events.map(({ type }) => type)).toEqual(['attempt_given_back'])
    await deliver(port, { key: 'b' })
    expect(events.slice(1)).toMatchObject([{ type: 'handler_threw', key: 'b' }, { type: 'attempt_given_back' }])
  })

  test('invalid JSON is 400, and the handler does not run', async () => {
    let runs = 0
    const { port } = await listen(listenerOf(setUp(receiverOver().source, () => void runs++)))
    expect([(await deliver(port, { body: '{' })).status, runs]).toEqual([400, 0])
  })

  test('a second idempotent() is an error', async () => {
    const { source } = receiverOver()
    const { port } = await listen(listenerOf(setUp(source, idempotent(source), echo)))
    expect((await deliver(port, { key: 'k' })).status).toBe(500)
  })
})
