import type { RequestListener } from 'node:http'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { createReceiver, jsonResponse, type Receiver, type Source, type Transactions } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/express'
import { attemptOf as attemptOfFastify, idempotent as fastifyPlugin } from 'hookonce/adapters/fastify'
import { handleFetch } from 'hookonce/adapters/fetch'
import { handleNode } from 'hookonce/adapters/node'
import { memoryStore } from 'hookonce/stores/memory'
import { describe, expect, test, vi } from 'vitest'
import { type Ledger, transactional } from '../support/transactional.js'
import { listenerOf } from './fastify.cases.js'
import { bridge } from './fetch-bridge.js'
import { deliver, isReplay, listen } from './harness.js'

// Express prints the errors that it answers.
vi.spyOn(console, 'error').mockImplementation(() => {})

/** What the effects of one delivery do and answer, in the words of each adapter. */
interface Example<Mode extends 'async' | 'sync'> {
  answers: (source: Source<Transactions<Ledger, Mode>>, status: number) => RequestListener
  forgets: (source: Source<Transactions<Ledger, Mode>>) => RequestListener
}

const app = (mount: (app: express.Express) => unknown): RequestListener => {
  const made = express().set('env', 'production')
  mount(made)
  return made
}

const fastifyApp = <Kind>(source: Source<Kind>, mount: (app: FastifyInstance) => unknown): RequestListener => {
  const made = fastify()
  made.register(fastifyPlugin, { source })
  mount(made)
  return listenerOf(made)
}

const waiting: Record<string, Example<'async'>> = {
  fetch: {
    answers: (source, status) =>
      bridge(request =>
        handleFetch(source, request, (delivery, attempt) =>
          attempt.commit(async tx => {
            await null
            tx.write(delivery.text())
            return Response.json({ attempt: attempt.number }, { status })
          }),
        ),
      ),
    forgets: source =>
      bridge(request =>
        handleFetch(source, request, async (_, attempt) => {
          await attempt.commit(async tx => {
            tx.write('lost')
            return undefined as never
          })
          return new Response('late')
        }),
      ),
  },
  'node:http': {
    answers: (source, status) =>
      handleNode(source, (req, res, attempt) =>
        attempt.commit(async tx => {
          await null
          tx.write(req.rawBody.toString())
          res.writeHead(status).end(`{"attempt":${attempt.number}}`)
        }),
      ),
    forgets: source =>
      handleNode(source, async (_, res, attempt) => {
        await attempt.commit(async tx => tx.write('lost'))
        res.end('late')
      }),
  },
  Express: {
    answers: (source, status) =>
      app(app =>
        app.post('/webhook', idempotent(source), async (req, res) => {
          const attempt = attemptOf(req, source)
          await attempt.commit(async tx => {
            await null
            tx.write(req.rawBody.toString())
            res.status(status).json({ attempt: attempt.number })
          })
        }),
      ),
    forgets: source =>
      app(app =>
        app.post('/webhook', idempotent(source), async (req, res) => {
          await attemptOf(req, source).commit(async tx => tx.write('lost'))
          res.send('late')
        }),
      ),
  },
  Fastify: {
    answers: (source, status) =>
      fastifyApp(source, app =>
        app.post('/webhook', async (request, reply) => {
          const attempt = attemptOfFastify(request, source)
          await attempt.commit(async tx => {
            await null
            tx.write(request.rawBody.toString())
            return reply.code(status).send({ attempt: attempt.number })
          })
        }),
      ),
    forgets: source =>
      fastifyApp(source, app =>
        app.post('/webhook', async request => {
          await attemptOfFastify(request, source).commit(async tx => tx.write('lost'))
          return 'late'
        }),
      ),
  },
}

const atOnce: Record<string, Example<'sync'>> = {
  fetch: {
    answers: (source, status) =>
      bridge(request =>
        handleFetch(source, request, (delivery, attempt) =>
          attempt.commit(tx => {
            tx.write(delivery.text())
            return jsonResponse({ attempt: attempt.number }, status)
          }),
        ),
      ),
    forgets: source =>
      bridge(request =>
        handleFetch(source, request, (_, attempt) =>
          attempt.commit(tx => {
            tx.write('lost')
            return Response.json('its body takes time to read') as never
          }),
        ),
      ),
  },
  'node:http': {
    answers: (source, status) =>
      handleNode(source, (req, res, attempt) =>
        attempt.commit(tx => {
          tx.write(req.rawBody.toString())
          res.writeHead(status).end(`{"attempt":${attempt.number}}`)
        }),
      ),
    forgets: source =>
      handleNode(source, async (_, res, attempt) => {
        await attempt.commit(tx => tx.write('lost'))
        res.end('late')
      }),
  },
  Express: {
    answers: (source, status) =>
      app(app =>
        app.post('/webhook', idempotent(source), (req, res, next) => {
          const attempt = attemptOf(req, source)
          attempt
            .commit(tx => {
              tx.write(req.rawBody.toString())
              res.status(status).json({ attempt: attempt.number })
            })
            .catch(next)
        }),
      ),
    forgets: source =>
      app(app =>
        app.post('/webhook', idempotent(source), async (req, res) => {
          await attemptOf(req, source).commit(tx => tx.write('lost'))
          res.send('late')
        }),
      ),
  },
  Fastify: {
    answers: (source, status) =>
      fastifyApp(source, app =>
        app.post('/webhook', async (request, reply) => {
          const attempt = attemptOfFastify(request, source)
          await attempt.commit(tx => {
            tx.write(request.rawBody.toString())
            return reply.code(status).send({ attempt: attempt.number })
          })
        }),
      ),
    forgets: source =>
      fastifyApp(source, app =>
        app.post('/webhook', async request => {
          await attemptOfFastify(request, source).commit(tx => tx.write('lost'))
          return 'late'
        }),
      ),
  },
}

declare global {
  namespace Express {
    interface Request {
      rawBody: Buffer
    }
  }
}

function cases<Mode extends 'async' | 'sync'>(mode: Mode, examples: Record<string, Example<Mode>>): void {
  describe.each(Object.entries(examples))(`a commit (${mode}) through %s`, (_, { answers, forgets }) => {
    const setUp = async (listener: (source: Source<Transactions<Ledger, Mode>>) => RequestListener) => {
      const { store, ledger } = transactional(memoryStore(), mode)
      const receiver = createReceiver({ store, onEvent: () => {} }) as Receiver<Transactions<Ledger, Mode>>
      const { port } = await listen(listener(receiver.source({ name: 'webhook' })))
      return { receiver, port, ledger }
    }

    test('records the response together with the effects, once', async () => {
      const { port, ledger } = await setUp(source => answers(source, 200))
      const first = await deliver(port, { key: 'k', body: '"pay"' })
      const second = await deliver(port, { key: 'k', body: '"pay"' })
      expect([first.status, first.body.toString()]).toEqual([200, '{"attempt":1}'])
      expect([isReplay(second), second.body.toString()]).toEqual([true, '{"attempt":1}'])
      expect(ledger).toEqual(['"pay"'])
    })

    test('rolls back a response that is not to be recorded, and sends it', async () => {
      const { port, ledger } = await setUp(source => answers(source, 409))
      expect((await deliver(port, { key: 'k' })).status).toBe(409)
      expect((await deliver(port, { key: 'k' })).body.toString()).toBe('{"attempt":2}')
      expect(ledger).toEqual([])
    })

    test('rolls back when the effects end without a response that can be recorded with them', async () => {
      const { port, ledger, receiver } = await setUp(forgets)
      expect((await deliver(port, { key: 'k' })).status).toBe(500)
      expect(ledger).toEqual([])
      expect((await receiver.record('webhook', 'k'))?.state).toBe('failed')
    })

    test('works for a delivery without a key', async () => {
      const { port, ledger } = await setUp(source => answers(source, 200))
      for (let i = 0; i < 2; i++) expect((await deliver(port, { body: '"pay"' })).status).toBe(200)
      expect(ledger).toEqual(['"pay"', '"pay"'])
    })
  })
}

cases('async', waiting)
cases('sync', atOnce)

test('the attempt of another source is not handed out', async () => {
  const receiver = createReceiver({ store: transactional(memoryStore(), 'async').store })
  const other = receiver.source({ name: 'other' })
  const { port } = await listen(
    app(app => app.post('/webhook', idempotent(receiver), (req, res) => res.json(attemptOf(req, other).number))),
  )
  expect((await deliver(port, { key: 'k' })).status).toBe(500)
})

test('a committed response that is too large to record is sent whole, and replayed without its body', async () => {
  const { store, ledger } = transactional(memoryStore(), 'async')
  const source = createReceiver({ store, maxResponseBytes: 10 }).source({ name: 'webhook' })
  const { port } = await listen(
    bridge(request =>
      handleFetch(source, request, (_, attempt) =>
        attempt.commit(tx => {
          tx.write('effect')
          return new Response('x'.repeat(1_000_000))
        }),
      ),
    ),
  )
  expect((await deliver(port, { key: 'k' })).body).toHaveLength(1_000_000)
  const replay = await deliver(port, { key: 'k' })
  expect([replay.header('x-cached-body'), replay.body.length]).toEqual(['omitted', 0])
  expect(ledger).toEqual(['effect'])
})
