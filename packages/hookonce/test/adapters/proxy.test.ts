import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import express, { type Express } from 'express'
// @ts-expect-error the types are Express 5's; Express 4 is here to be run
import express4 from 'express4'
import type { Source } from 'hookonce'
import { idempotent } from 'hookonce/adapters/express'
import { idempotent as koaIdempotent } from 'hookonce/adapters/koa'
import { handleNode } from 'hookonce/adapters/node'
import { createProxyMiddleware } from 'http-proxy-middleware'
import Koa from 'koa'
import { describe, expect, test } from 'vitest'
import { deliver, isReplay, listen, receiverOver, repeated } from './harness.js'

type Proxy = (req: IncomingMessage, res: ServerResponse) => unknown

const onExpress =
  (make: () => Express) =>
  (source: Source, proxy: Proxy): RequestListener =>
    make().post('/webhook', idempotent(source), (req, res) => void proxy(req, res))

const adapters: Record<string, (source: Source, proxy: Proxy) => RequestListener> = {
  'Express 5': onExpress(express),
  'Express 4': onExpress(express4),
  'node:http': (source, proxy) => handleNode(source, proxy),
  Koa: (source, proxy) => {
    const app = new Koa()
    app.use(koaIdempotent(source)).use(ctx => {
      ctx.respond = false
      proxy(ctx.req, ctx.res)
    })
    return app.callback()
  },
}

describe.each(Object.entries(adapters))('a proxy behind %s', (_, listener) => {
  test('passes the whole body on, and its answer is recorded', async () => {
    let calls = 0
    const target = await listen(async (req, res) => {
      const body = await buffer(req)
      res.writeHead(202, { 'x-call': ++calls }).end(`${req.headers['content-type']} ${body.length}`)
    })
    const proxy = createProxyMiddleware({ target: `http://127.0.0.1:${target.port}` })
    const { port } = await listen(listener(receiverOver().source, proxy as unknown as Proxy))
    // The larger one is more than any stream takes at once.
    for (const size of [5, 500_000]) {
      const delivery = { key: `${size}`, body: JSON.stringify('x'.repeat(size - 2)) }
      const first = await deliver(port, delivery)
      expect([first.status, first.body.toString()]).toEqual([202, `application/json ${size}`])
      const second = await deliver(port, delivery)
      expect(isReplay(second)).toBe(true)
      expect(repeated(second)).toEqual(repeated(first))
    }
    expect(calls).toBe(2)
  })

  test('that reaches nobody is an answer, and no result', async () => {
    const { source } = receiverOver()
    // A port that nothing listens on.
    const proxy = createProxyMiddleware({ target: 'http://127.0.0.1:1' })
    const { port } = await listen(listener(source, proxy as unknown as Proxy))
    for (let i = 0; i < 2; i++) {
      const answer = await deliver(port, { key: 'k' })
      expect([answer.status, isReplay(answer)]).toEqual([504, false])
    }
  })
})
