import type { IncomingMessage, RequestListener } from 'node:http'
import express from 'express'
import fastify from 'fastify'
import type { Source } from 'hookonce'
import { idempotent } from 'hookonce/adapters/express'
import { idempotent as plugin } from 'hookonce/adapters/fastify'
import { handleNode } from 'hookonce/adapters/node'
import { describe, expect, test, vi } from 'vitest'
import { listenerOf } from './fastify.cases.js'
import { deliver, listen, receiverOver } from './harness.js'

// Express prints the errors that it answers.
vi.spyOn(console, 'error').mockImplementation(() => {})

/** An adapter behind a middleware that reads the body, with a handler that echoes it. */
type Serve = (source: Source, read: (req: IncomingMessage) => Promise<void>) => RequestListener

const node: Serve = (source, read) => {
  const handle = handleNode(source, (req, res) => void res.end(`got ${JSON.stringify(req.body)}`))
  return (req, res) => void read(req).then(() => handle(req, res))
}

const adapters: Record<string, Serve> = {
  'node:http': node,
  Express: (source, read) =>
    express()
      .use((req, _res, next) => void read(req).then(() => next()))
      .post('/webhook', idempotent(source), (req, res) => void res.send(`got ${JSON.stringify(req.body)}`)),
  Fastify: (source, read) => {
    const app = fastify()
    app.register(plugin, { source })
    app.addHook('onRequest', request => read(request.raw))
    app.post('/webhook', async request => `got ${JSON.stringify(request.body)}`)
    return listenerOf(app)
  },
}

/** Reads the body, and assigns what `keep` makes of it to the request. */
const reading = (keep: (bytes: Buffer) => object) => async (req: IncomingMessage) => {
  const chunks: Buffer[] = []
  await new Promise<void>(resolve => req.on('data', chunk => chunks.push(chunk)).on('end', () => resolve()))
  Object.assign(req, keep(Buffer.concat(chunks)))
}

describe.each(Object.entries(adapters))('a body that was read before %s', (_, serve) => {
  test.each([
    ['a Buffer in rawBody', reading(rawBody => ({ rawBody, body: JSON.parse(rawBody.toString()) }))],
    ['an Uint8Array in rawBody', reading(bytes => ({ rawBody: new Uint8Array(bytes), body: { a: 1 } }))],
  ])('is taken from where it was kept: %s', async (_, read) => {
    const { source } = receiverOver()
    const { port } = await listen(serve(source, read))
    const answer = await deliver(port, { key: 'k', body: '{"a":1}' })
    expect([answer.status, answer.body.toString()]).toEqual([200, 'got {"a":1}'])
    expect((await deliver(port, { key: 'k', body: '{"a":2}' })).status).toBe(422)
  })

  test.each([
    ['nothing', reading(() => ({}))],
    ['parsed JSON', reading(bytes => ({ body: JSON.parse(bytes.toString()) }))],
    ['a text', reading(bytes => ({ rawBody: bytes.toString() }))],
    ['letters of an encoding', async (req: IncomingMessage) => void req.setEncoding('latin1')],
  ])('is an error if its bytes are lost: %s', async (_, read) => {
    const { source, events } = receiverOver()
    const { port } = await listen(serve(source, read))
    expect((await deliver(port, { key: 'k', body: '{"a":1}' })).status).toBe(500)
    expect(events).toMatchObject([{ type: 'receiver_failed', scope: 'webhook' }])
    expect(String((events[0] as { error: unknown }).error)).toMatch(
      /The body was read before .*, and its bytes were not kept/,
    )
  })

  test('may be empty', async () => {
    const { source } = receiverOver()
    const { port } = await listen(
      serve(
        source,
        reading(() => ({})),
      ),
    )
    const answer = await deliver(port, { key: 'k', body: '', headers: [['content-type', 'text/plain']] })
    expect([answer.status, answer.body.toString().slice(0, 3)]).toEqual([200, 'got'])
  })
})

test('an error that a handler throws after it has answered is reported, and changes nothing', async () => {
  const { source, events } = receiverOver()
  const { port } = await listen(
    handleNode(source, async (_, res) => {
      res.end('done')
      await null
      throw new Error('too late')
    }),
  )
  expect((await deliver(port, { key: 'k' })).body.toString()).toBe('done')
  await vi.waitFor(() => expect(events).toMatchObject([{ type: 'handler_threw', key: 'k', attempt: 1 }]), 20_000)
})

test('an error that Fastify answers is reported', async () => {
  const { source, events } = receiverOver()
  const app = fastify()
  app.register(plugin, { source })
  app.post('/webhook', async () => {
    throw new Error('boom')
  })
  const { port } = await listen(listenerOf(app))
  expect((await deliver(port, { key: 'k' })).status).toBe(500)
  expect(events).toMatchObject([
    { type: 'handler_threw', key: 'k', attempt: 1, error: { message: 'boom' } },
    { type: 'attempt_given_back', key: 'k', attempt: 1, reason: expect.stringMatching(/^status 500/) },
  ])
})
