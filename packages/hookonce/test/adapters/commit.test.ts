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
  answers: (receiver: Receiver<Transactions<Ledger, Mode>>, status: number) => RequestListener
  forgets: (receiver: Receiver<Transactions<Ledger, Mode>>) => RequestListener
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
    answers: (receiver, status) =>
      bridge(request =>
        handleFetch(receiver, request, (delivery, attempt) =>
          attempt.commit(async tx => {
            await null
            tx.write(delivery.text())
            return Response.json({ attempt: attempt.number }, { status })
          }),
        ),
      ),
    forgets: receiver =>
      bridge(request =>
        handleFetch(receiver, request, async (_, attempt) => {
          await attempt.commit(async tx => {
            tx.write('lost')
            return undefined as never
          })
          return new Response('late')
        }),
      ),
  },
  'node:http': {
    answers: (receiver, status) =>
      handleNode(receiver, (req, res, attempt) =>
        attempt.commit(async tx => {
          await null
          tx.write(req.rawBody.toString())
          res.writeHead(status).end(`{"attempt":${attempt.number}}`)
        }),
      ),
    forgets: receiver =>
      handleNode(receiver, async (_, res, attempt) => {
        await attempt.commit(async tx => tx.write('lost'))
        res.end('late')
      }),
  },
  Express: {
    answers: (receiver, status) =>
      app(app =>
        app.post('/webhook', idempotent(receiver), async (req, res) => {
          const attempt = attemptOf(req, receiver)
          await attempt.commit(async tx => {
            await null
            tx.write(req.rawBody.toString())
            res.status(status).json({ attempt: attempt.number })
          })
        }),
      ),
    forgets: receiver =>
      app(app =>
        app.post('/webhook', idempotent(receiver), async (req, res) => {
          await attemptOf(req, receiver).commit(async tx => tx.write('lost'))
          res.send('late')
        }),
      ),
  },
  Fastify: {
    answers: (receiver, status) =>
      fastifyApp(receiver, app =>
        app.post('/webhook', async (request, reply) => {
          const attempt = attemptOfFastify(request, receiver)
          await attempt.commit(async tx => {
            await null
            tx.write(request.rawBody.toString())
            return reply.code(status).send({ attempt: attempt.number })
          })
        }),
      ),
    forgets: receiver =>
      fastifyApp(receiver, app =>
        app.post('/webhook', async request => {
          await attemptOfFastify(request, receiver).commit(async tx => tx.write('lost'))
          return 'late'
        }),
      ),
  },
}

const atOnce: Record<string, Example<'sync'>> = {
  fetch: {
    answers: (receiver, status) =>
      bridge(request =>
        handleFetch(receiver, request, (delivery, attempt) =>
          attempt.commit(tx => {
            tx.write(delivery.text())
            return jsonResponse({ attempt: attempt.number }, status)
          }),
        ),
      ),
    forgets: receiver =>
      bridge(request =>
        handleFetch(receiver, request, (_, attempt) =>
          attempt.commit(tx => {
            tx.write('lost')
            return Response.json('its body takes time to read') as never
          }),
        ),
      ),
  },
  'node:http': {
    answers: (receiver, status) =>
      handleNode(receiver, (req, res, attempt) =>
        attempt.commit(tx => {
          tx.write(req.rawBody.toString())
          res.writeHead(status).end(`{"attempt":${attempt.number}}`)
        }),
      ),
    forgets: receiver =>
      handleNode(receiver, async (_, res, attempt) => {
        await attempt.commit(tx => tx.write('lost'))
        res.end('late')
      }),
  },
  Express: {
    answers: (receiver, status) =>
      app(app =>
        app.post('/webhook', idempotent(receiver), (req, res, next) => {
          const attempt = attemptOf(req, receiver)
          attempt
            .commit(tx => {
              tx.write(req.rawBody.toString())
              res.status(status).json({ attempt: attempt.number })
            })
            .catch(next)
        }),
      ),
    forgets: receiver =>
      app(app =>
        app.post('/webhook', idempotent(receiver), async (req, res) => {
          await attemptOf(req, receiver).commit(tx => tx.write('lost'))
          res.send('late')
        }),
      ),
  },
  Fastify: {
    answers: (receiver, status) =>
      fastifyApp(receiver, app =>
        app.post('/webhook', async (request, reply) => {
          const attempt = attemptOfFastify(request, receiver)
          await attempt.commit(tx => {
            tx.write(request.rawBody.toString())
            return reply.code(status).send({ attempt: attempt.number })
          })
        }),
      ),
    forgets: receiver =>
      fastifyApp(receiver, app =>
        app.post('/webhook', async request => {
          await attemptOfFastify(request, receiver).commit(tx => tx.write('lost'))
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
    const setUp = async (listener: (receiver: Receiver<Transactions<Ledger, Mode>>) => RequestListener) => {
      const { store, ledger } = transactional(memoryStore(), mode)
      const receiver = createReceiver({ store }) as Receiver<Transactions<Ledger, Mode>>
      const { port } = await listen(listener(receiver))
      return { receiver, port, ledger }
    }

    test('records the response together with the effects, once', async () => {
      const { port, ledger } = await setUp(receiver => answers(receiver, 200))
      const first = await deliver(port, { key: 'k', body: '"pay"' })
      const second = await deliver(port, { key: 'k', body: '"pay"' })
      expect([first.status, first.body.toString()]).toEqual([200, '{"attempt":1}'])
      expect([isReplay(second), second.body.toString()]).toEqual([true, '{"attempt":1}'])
      expect(ledger).toEqual(['"pay"'])
    })

    test('rolls back a response that is not to be recorded, and sends it', async () => {
      const { port, ledger } = await setUp(receiver => answers(receiver, 409))
      expect((await deliver(port, { key: 'k' })).status).toBe(409)
      expect((await deliver(port, { key: 'k' })).body.toString()).toBe('{"attempt":2}')
      expect(ledger).toEqual([])
    })

    test('rolls back when the effects end without a response that can be recorded with them', async () => {
      const { port, ledger, receiver } = await setUp(forgets)
      expect((await deliver(port, { key: 'k' })).status).toBe(500)
      expect(ledger).toEqual([])
      expect((await receiver.record('POST /webhook', 'k'))?.state).toBe('failed')
    })

    test('works for a delivery without a key', async () => {
      const { port, ledger } = await setUp(receiver => answers(receiver, 200))
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
  const receiver = createReceiver({ store, maxResponseBytes: 10 })
  const { port } = await listen(
    bridge(request =>
      handleFetch(receiver, request, (_, attempt) =>
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
