import express from 'express'
import { attemptOf, idempotent } from 'hookonce/adapters/express'
import { describe, expect, test, vi } from 'vitest'
import { adapterCases } from './cases.js'
import { expressAdapter } from './express.cases.js'
import { deliver, listen, receiverOver } from './harness.js'

// Express prints the errors that it answers.
vi.spyOn(console, 'error').mockImplementation(() => {})

adapterCases(expressAdapter('Express 5', express))

describe('in an Express application', () => {
  const setUp = async (mount: (app: express.Express, middleware: ReturnType<typeof idempotent>) => void) => {
    const { receiver } = receiverOver()
    const app = express().set('env', 'production')
    mount(app, idempotent(receiver))
    return { receiver, ...(await listen(app)) }
  }

  test('a route is one line, its handler an ordinary one', async () => {
    const { port } = await setUp((app, once) => app.post('/webhook', once, (req, res) => res.json({ got: req.body })))
    for (let i = 0; i < 2; i++) {
      expect((await deliver(port, { key: 'k', body: '{"a":1}' })).body.toString()).toBe('{"got":{"a":1}}')
    }
  })

  test('the attempt is at hand, and nowhere else', async () => {
    const { port } = await setUp((app, once) => {
      app.post('/webhook', once, (req, res) => {
        const { key, number } = attemptOf(req)
        res.json({ key, number })
      })
      app.get('/', (req, res) => res.send(String(attemptOf(req))))
    })
    expect((await deliver(port, { key: 'k' })).body.toString()).toBe('{"key":"k","number":1}')
    expect((await deliver(port, { method: 'GET', path: '/', body: '' })).status).toBe(500)
  })

  test('body parsers that follow skip the request', async () => {
    const { port } = await setUp((app, once) =>
      app.post('/webhook', once, express.json(), express.urlencoded(), (req, res) => res.json(req.body)),
    )
    expect((await deliver(port, { key: 'k', body: '{"a":1}' })).body.toString()).toBe('{"a":1}')
  })

  test('a body parser that came first must have kept the bytes', async () => {
    const verify = (req: object, _: unknown, rawBody: Buffer) => void Object.assign(req, { rawBody })
    const kept = await setUp((app, once) =>
      app.use(express.json({ verify })).post('/webhook', once, (req, res) => res.json(req.body)),
    )
    expect((await deliver(kept.port, { key: 'k', body: '{"a":1}' })).body.toString()).toBe('{"a":1}')
    expect((await deliver(kept.port, { key: 'k', body: '{"a": 1}' })).status).toBe(422)
    const raw = await setUp((app, once) =>
      app.use(express.raw({ type: '*/*' })).post('/webhook', once, (req, res) => res.send(req.body)),
    )
    expect((await deliver(raw.port, { key: 'k', body: '{"a":1}' })).body.toString()).toBe('{"a":1}')
  })

  test('a body whose bytes are lost is an error that says what to do, not an empty body', async () => {
    let runs = 0
    const { port } = await setUp((app, once) => {
      app.use(express.json()).post('/webhook', once, () => runs++)
      app.use(((error, _req, res, _next) => res.status(500).send(error.message)) as express.ErrorRequestHandler)
    })
    expect((await deliver(port, { key: 'k' })).body.toString()).toMatch(/mount it before body parsers/)
    expect(runs).toBe(0)
  })

  test('a second idempotent() in the route is an error that says so', async () => {
    const { port } = await setUp((app, once) => {
      app.post('/webhook', once, once, (_, res) => res.send('ran'))
      app.use(((error, _req, res, _next) => res.status(500).send(error.message)) as express.ErrorRequestHandler)
    })
    expect((await deliver(port, { key: 'k' })).body.toString()).toMatch(/mounted twice/)
  })

  test('outside of Express too, what next() throws is a failed attempt', async () => {
    const middleware = idempotent(receiverOver().source)
    const { port } = await listen((req, res) =>
      middleware(req, res, () => {
        throw new Error('internal')
      }),
    )
    expect((await deliver(port, { key: 'k' })).status).toBe(500)
  })

  test('invalid JSON is answered 400 by the error handler, and is not recorded', async () => {
    const { port, receiver } = await setUp((app, once) => app.post('/webhook', once, (_, res) => res.send('ran')))
    expect((await deliver(port, { key: 'k', body: '{' })).status).toBe(400)
    expect((await receiver.record('POST /webhook', 'k'))!.state).toBe('failed')
  })

  test('what the application answers to an error is sent and not recorded', async () => {
    let runs = 0
    const { port } = await setUp((app, once) => {
      app.post('/webhook', once, async (_, res) => {
        if (++runs === 1) throw new Error('rejected')
        res.send('ok')
      })
      app.use(((error, _req, res, _next) => res.status(502).send(error.message)) as express.ErrorRequestHandler)
    })
    const first = await deliver(port, { key: 'k' })
    expect([first.status, first.body.toString()]).toEqual([502, 'rejected'])
    expect((await deliver(port, { key: 'k' })).body.toString()).toBe('ok')
  })
})
