import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import * as ofImport from 'hookonce'
import { attemptOf } from 'hookonce/adapters/express'
import { handleNode } from 'hookonce/adapters/node'
import * as memoryOfImport from 'hookonce/stores/memory'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

// A process loads both when the application is ESM and a dependency of it is CommonJS, or the reverse.
const require = createRequire(import.meta.url)
const ofRequire = {
  ...(require('hookonce') as typeof ofImport),
  ...(require('hookonce/adapters/express') as typeof import('hookonce/adapters/express')),
  ...(require('hookonce/stores/memory') as typeof memoryOfImport),
}
const fastifyOfRequire: typeof import('hookonce/adapters/fastify') = require('hookonce/adapters/fastify')
const fastifyOfImport = await import('hookonce/adapters/fastify')

async function listening(handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const deliver = (url: string) => fetch(url, { method: 'POST', body: '{}', headers: { 'idempotency-key': 'k' } })

test("an adapter of one copy takes the other's receiver and store, and the attempt is known to both", async () => {
  const receiver = ofImport.createReceiver({ store: ofRequire.memoryStore() })
  const attempts: unknown[] = []
  const app = express()
  app.post('/', ofRequire.idempotent(receiver), (req, res) => {
    attempts.push(attemptOf(req, receiver))
    res.status(201).send('done')
  })
  const url = await listening(app)
  const first = await deliver(url)
  expect([first.status, await first.text()]).toEqual([201, 'done'])
  const second = await deliver(url)
  expect([second.status, await second.text(), second.headers.get('idempotent-replayed')]).toEqual([201, 'done', 'true'])
  expect(attempts).toMatchObject([{ number: 1 }])
})

test("Fastify: a scope of one copy's plugin may lie in a scope of the other's", async () => {
  const app = fastify()
  const outer = ofImport.createReceiver({ store: memoryOfImport.memoryStore() })
  const inner = ofRequire.createReceiver({ store: ofRequire.memoryStore() })
  let runs = 0
  await app.register(fastifyOfRequire.idempotent, { source: outer })
  await app.register(async scope => {
    await scope.register(fastifyOfImport.idempotent, { source: inner })
    scope.post('/', async () => ({ runs: ++runs }))
  })
  onTestFinished(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  for (let delivery = 0; delivery < 2; delivery++) expect(await (await deliver(url)).json()).toEqual({ runs: 1 })
})

describe('an error of the other copy means the same', () => {
  test('a store refuses', async () => {
    const store = {
      ...memoryOfImport.memoryStore(),
      claim: () => Promise.reject(new ofRequire.StoreError('the disk is full', 'refused')),
    }
    const events: ofImport.HookonceEvent[] = []
    const source = ofImport.createReceiver({ store, onEvent: event => events.push(event) }).source({ name: 'orders' })
    const url = await listening(handleNode(source, (_, res) => res.end()))
    expect((await deliver(url)).status).toBe(503)
    expect(events).toMatchObject([{ type: 'store_failed', error: { effect: 'refused' } }])
  })

  test("an inbox's handler says that no further attempt can succeed", async () => {
    const events: ofImport.HookonceEvent[] = []
    const inbox = ofRequire.createInbox({
      receiver: ofImport.createReceiver({ store: memoryOfImport.memoryStore(), onEvent: event => events.push(event) }),
      handlers: {
        orders: () => Promise.reject(new ofImport.NonRetriableError('the account is closed')),
      },
    })
    inbox.start()
    onTestFinished(() => inbox.stop())
    const url = await listening(handleNode(inbox.source('orders'), () => {}))
    expect((await deliver(url)).status).toBe(202)
    await vi.waitUntil(() => events.some(({ type }) => type === 'delivery_died'), 20_000)
  })
})
