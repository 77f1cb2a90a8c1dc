import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { createGunzip, gzipSync } from 'node:zlib'
import fastify, { type FastifyInstance, type FastifyReply, type RouteHandlerMethod } from 'fastify'
import { createInbox, createReceiver, type Delivery, type Receiver, type Source } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/fastify'
import { memoryStore } from 'hookonce/stores/memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { transactional } from '../support/transactional.js'
import { adapterCases } from './cases.js'
import { fastifyAdapter, listenerOf } from './fastify.cases.js'
import { deliver, eventually, gate, isReplay, listen, open, receiverOver, storeWith } from './harness.js'

adapterCases(fastifyAdapter)

describe('in a Fastify application', () => {
  const setUp = async (mount: (app: FastifyInstance, source: Receiver) => unknown) => {
    const { receiver } = receiverOver()
    const app = fastify()
    await mount(app, receiver)
    return { app, receiver, ...(await listen(listenerOf(app))) }
  }
  const echo: RouteHandlerMethod = async request => ({ got: request.body })

  test('one registration covers the routes of its scope, those within and those before it included', async () => {
    const { port } = await setUp((app, source) => {
      app.post('/before', echo)
      app.register(idempotent, { source })
      app.post('/webhook', echo)
      app.register(async scope => void scope.post('/within', echo))
    })
    for (const path of ['/before', '/webhook', '/within']) {
      expect((await deliver(port, { key: 'k', path, body: '{"a":1}' })).body.toString()).toBe('{"got":{"a":1}}')
      expect(isReplay(await deliver(port, { key: 'k', path, body: '{"a":1}' })), path).toBe(true)
    }
  })

  test('what is outside of the scope stays as it was', async () => {
    const { port } = await setUp((app, source) => {
      app.register(async scope => {
        await scope.register(idempotent, { source })
        scope.post('/webhook', echo)
      })
      app.post('/outside', async request => ({ raw: String(request.rawBody), got: request.body }))
    })
    const outside = { key: 'k', path: '/outside' }
    for (let i = 0; i < 2; i++) {
      const answer = await deliver(port, { ...outside, body: '{"a":1}' })
      expect([answer.body.toString(), isReplay(answer)]).toEqual(['{"raw":"undefined","got":{"a":1}}', false])
    }
    const form: [string, string][] = [['content-type', 'application/x-www-form-urlencoded']]
    expect((await deliver(port, { ...outside, headers: form, body: 'a=1' })).status).toBe(415)
    expect((await deliver(port, { key: 'k', headers: form, body: 'a=1' })).body.toString()).toBe('{"got":{"a":"1"}}')
  })

  test('a scope within may have a source of its own, and a route its own or none', async () => {
    const { port, receiver } = await setUp((app, source) => {
      const { receiver: other } = receiverOver()
      const named = source.source({ name: 'named' })
      app.register(idempotent, { source })
      app.post('/webhook', echo)
      app.post('/named', { config: { idempotency: named } }, async request => attemptOf(request, named).key)
      app.post('/none', { config: { idempotency: false } }, echo)
      app.register(async scope => {
        await scope.register(idempotent, { source: other })
        scope.post('/other', async request => attemptOf(request, other).key)
      })
    })
    for (const path of ['/webhook', '/named', '/other', '/none']) {
      await deliver(port, { key: 'k', path })
      expect(isReplay(await deliver(port, { key: 'k', path })), path).toBe(path !== '/none')
    }
    expect(await receiver.record('named', 'k')).toBeDefined()
    expect(await receiver.record('POST /other', 'k')).toBeUndefined()
  })

  test('routes that only read are left alone, unless they take other methods too or name a source', async () => {
    const { port } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.get('/reads', async () => 'read')
      app.get('/named', { config: { idempotency: source.source({ name: 'named' }) } }, async request => request.rawBody)
      app.route({ method: ['GET', 'POST'], url: '/both', handler: async request => request.rawBody })
    })
    for (const [path, replayed] of [
      ['/reads', false],
      ['/named', true],
      ['/both', true],
    ] as const) {
      const get = { key: 'k', method: 'GET', path, body: '' }
      expect((await deliver(port, get)).body.toString()).toBe(replayed ? '' : 'read')
      expect(isReplay(await deliver(port, get)), path).toBe(replayed)
    }
  })

  test('an inbox acknowledges, and the handler of the route is not run', async () => {
    const { receiver } = receiverOver()
    const worked: string[] = []
    const handlers = { orders: async (delivery: Delivery) => void worked.push(delivery.text()) }
    const inbox = createInbox({ receiver, handlers })
    const app = fastify()
    app.register(idempotent, { source: inbox.source('orders') })
    app.post('/webhook', () => worked.push('by the route'))
    const { port } = await listen(listenerOf(app))
    inbox.start()
    onTestFinished(() => inbox.stop())
    expect((await deliver(port, { key: 'k', body: '1' })).status).toBe(202)
    await eventually(() => worked.length)
    expect(worked).toEqual(['1'])
  })

  test('a path that no route has is 404 and never asks the store', async () => {
    const { port, receiver } = await setUp((app, source) => app.register(idempotent, { source }))
    for (let i = 0; i < 2; i++) expect((await deliver(port, { key: 'k', path: '/nowhere' })).status).toBe(404)
    expect((await receiver.records({ limit: 1 })).records).toEqual([])
  })

  test('onRequest refuses before anything is claimed, and its headers are on every answer but not recorded', async () => {
    const { port, receiver } = await setUp((app, source) => {
      let requests = 0
      app.addHook('onRequest', async (request, reply) => {
        reply.header('x-request', ++requests)
        if (request.headers.authorization !== 'yes') return reply.code(401).send('who?')
      })
      app.register(idempotent, { source })
      app.addHook('onSend', async (_, reply) => void reply.header('x-sent', 'once'))
      app.post('/webhook', echo)
    })
    expect((await deliver(port, { key: 'k' })).status).toBe(401)
    expect(await receiver.record('POST /webhook', 'k')).toBeUndefined()
    const headers: [string, string][] = [['authorization', 'yes']]
    const answers = [await deliver(port, { key: 'k', headers }), await deliver(port, { key: 'k', headers })]
    expect(answers.map(({ header }) => header('x-request'))).toEqual(['2', '3'])
    expect(answers.map(({ header }) => header('x-sent'))).toEqual(['once', 'once'])
    const { headers: recorded } = (await receiver.record('POST /webhook', 'k'))!.response!
    expect(recorded.map(([name]) => name)).toEqual(['content-type', 'x-sent'])
  })

  test('onResponse runs for every answer, with the status that is sent', async () => {
    const statuses: number[] = []
    const { port } = await setUp((app, source) => {
      app.addHook('onResponse', async (_, reply) => void statuses.push(reply.statusCode))
      app.register(idempotent, { source })
      app.post('/webhook', async (_, reply) => reply.code(201).send('done'))
    })
    await deliver(port, { key: 'k' })
    await deliver(port, { key: 'k' })
    await deliver(port, { key: 'k', body: '{"event":2}' })
    await eventually(() => statuses.length === 3)
    expect(statuses).toEqual([201, 201, 422])
  })

  test('bodies are parsed as Fastify parses them, by the parsers of the application too', async () => {
    const { port } = await setUp((app, source) => {
      app.addContentTypeParser('application/x-shout', { parseAs: 'string' }, (_, body, done) =>
        done(null, String(body).toUpperCase()),
      )
      app.register(idempotent, { source })
      app.post('/webhook', async request => (Buffer.isBuffer(request.body) ? 'bytes' : { got: request.body }))
    })
    const parsed = async (type: string, body: string) =>
      (await deliver(port, { headers: [['content-type', type]], body })).body.toString()
    expect(await parsed('application/json; charset=utf-8', '{"a":1}')).toBe('{"got":{"a":1}}')
    expect(await parsed('application/cloudevents+json', '{"a":1}')).toBe('{"got":{"a":1}}')
    expect(await parsed('application/x-www-form-urlencoded', 'a=1&a=2')).toBe('{"got":{"a":["1","2"]}}')
    expect(await parsed('text/plain', 'a')).toBe('{"got":"a"}')
    expect(await parsed('application/x-shout', 'a')).toBe('{"got":"A"}')
    expect(await parsed('application/xml', '<a/>')).toBe('bytes')
  })

  test('a body that a hook decompressed is compared and handed over as it is then', async () => {
    const { port } = await setUp((app, source) => {
      app.addHook('preParsing', async (_request, _reply, payload) => {
        const gunzip = createGunzip()
        payload.on('data', chunk => {
          ;(gunzip as { receivedEncodedLength?: number }).receivedEncodedLength = chunk.length
        })
        return payload.pipe(gunzip)
      })
      app.register(idempotent, { source })
      app.post('/webhook', async request => ({ raw: request.rawBody.toString(), got: request.body }))
    })
    const first = await deliver(port, { key: 'k', body: gzipSync('{"a":1}', { level: 1 }) })
    expect(first.body.toString()).toBe('{"raw":"{\\"a\\":1}","got":{"a":1}}')
    expect(isReplay(await deliver(port, { key: 'k', body: gzipSync('{"a":1}', { level: 9 }) }))).toBe(true)
    expect((await deliver(port, { key: 'other', body: 'not compressed' })).status).toBe(500)
  })

  test('invalid JSON is answered 400 by the error handler, without a run, and is not recorded', async () => {
    let runs = 0
    const { port, receiver } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.post('/webhook', async () => ++runs)
    })
    for (const body of ['{', '', '{"__proto__":{}}']) {
      expect((await deliver(port, { key: `k${body.length}`, body })).status).toBe(400)
    }
    expect(runs).toBe(0)
    expect((await receiver.record('POST /webhook', 'k1'))!.state).toBe('failed')
  })

  test('what validation refuses is 400, without a run, and is not recorded', async () => {
    const body = { type: 'object', required: ['a'] }
    const { port, receiver } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.post('/webhook', { schema: { body } }, echo)
    })
    expect((await deliver(port, { key: 'k', body: '{}' })).status).toBe(400)
    expect((await receiver.record('POST /webhook', 'k'))!.state).toBe('failed')
  })

  test("a route's own bodyLimit holds too", async () => {
    const { port, receiver } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.post('/webhook', { bodyLimit: 10 }, echo)
    })
    expect((await deliver(port, { key: 'k', body: '"12345678"' })).status).toBe(200)
    expect((await deliver(port, { key: 'l', body: '"123456789"' })).status).toBe(413)
    expect((await receiver.record('POST /webhook', 'l'))!.state).toBe('failed')
  })

  test('a sender that leaves before its key was claimed is answered all the same when it comes again', async () => {
    const claiming = gate()
    let claims = 0
    const store = storeWith(real => ({
      claim: async (...args) => {
        claims++
        await claiming.opened
        return real.claim(...args)
      },
    }))
    const { receiver } = receiverOver({ store })
    const app = fastify()
    app.register(idempotent, { source: receiver })
    app.post('/webhook', async () => {})
    const { port, sockets } = await listen(listenerOf(app))
    const { req } = open(port, { key: 'k' })
    req.end('{"event":1}')
    await eventually(() => claims)
    req.destroy()
    await eventually(() => sockets[0].closed)
    claiming.open()
    await receiver.settled()
    expect(isReplay(await deliver(port, { key: 'k' }))).toBe(true)
  })

  test("a body that comes too late for Fastify's time limit is not run", async () => {
    let runs = 0
    const { port, receiver } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.post('/webhook', { handlerTimeout: 20 }, async () => ++runs)
    })
    const { req, response } = open(port, {
      key: 'k',
      headers: [
        ['connection', 'keep-alive'],
        ['content-length', '2'],
      ],
    })
    req.write('{')
    expect((await response).status).toBe(503)
    req.end('}')
    await deliver(port, { key: 'other' }) // time enough for a run
    expect(await receiver.record('POST /webhook', 'k')).toBeUndefined()
    expect(runs).toBe(1)
  })

  test('an asynchronous onSend hook belongs to the answer', async () => {
    const { port } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.addHook('onSend', async (_request, _reply, payload) => `${payload}!`)
      app.post('/webhook', async () => 'done')
    })
    for (let i = 0; i < 2; i++) expect((await deliver(port, { key: 'k' })).body.toString()).toBe('done!')
  })

  test('the attempt is at hand, and nowhere else', async () => {
    const { port } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.post('/webhook', async request => attemptOf(request).number)
      app.get('/', async request => attemptOf(request).number)
    })
    expect((await deliver(port, { key: 'k' })).body.toString()).toBe('1')
    expect((await deliver(port, { method: 'GET', path: '/', body: '' })).status).toBe(500)
  })

  test('works with inject', async () => {
    const { app } = await setUp((app, source) => {
      app.register(idempotent, { source })
      app.post('/webhook', echo)
    })
    const inject = () =>
      app.inject({ method: 'POST', url: '/webhook', headers: { 'x-idempotency-key': 'k' }, payload: { a: 1 } })
    const first = await inject()
    const second = await inject()
    expect([first.body, first.headers['x-cached']]).toEqual(['{"got":{"a":1}}', undefined])
    expect([second.body, second.headers['x-cached']]).toEqual(['{"got":{"a":1}}', 'true'])
  })

  test('a registration that cannot work does not start', async () => {
    const { receiver } = receiverOver()
    const starting = (mount: (app: FastifyInstance) => void, options = {}) => {
      const app = fastify(options)
      mount(app)
      return app.ready()
    }
    await expect(starting(app => app.register(idempotent, {} as { source: Source }))).rejects.toThrow(/source/)
    await expect(
      starting(app => app.register(idempotent, { source: receiver }).register(idempotent, { source: receiver })),
    ).rejects.toThrow(/already/)
    await expect(starting(app => app.register(idempotent, { source: receiver }), { http2: true })).rejects.toThrow(
      /HTTP\/2/,
    )
  })
})

describe('a commit in a Fastify application whose onSend hooks take their time', () => {
  const setUp = async (mode: 'async' | 'sync') => {
    const { store, ledger } = transactional(memoryStore(), mode as 'async')
    const receiver = createReceiver({ store })
    const app = fastify()
    app.register(idempotent, { source: receiver })
    app.addHook('onSend', async (_request, _reply, payload) => {
      await turn()
      return payload
    })
    return { app, receiver, ledger }
  }

  const answers: Record<string, (reply: FastifyReply) => unknown> = {
    'reply.send': reply => void reply.send('done'),
    'reply.send returned': reply => reply.send('done'),
    'a stream': reply => reply.send(Readable.from([Buffer.from('do'), Buffer.from('ne')])),
  }
  for (const [name, answer] of Object.entries(answers)) {
    test(`records the whole answer with the effects: ${name}`, async () => {
      const { app, receiver, ledger } = await setUp('async')
      app.post('/webhook', async (request, reply) => {
        await attemptOf(request, receiver).commit(async tx => {
          tx.write('effect')
          return answer(reply)
        })
      })
      const { port } = await listen(listenerOf(app))
      const first = await deliver(port, { key: 'k' })
      expect([first.status, first.body.toString()]).toEqual([200, 'done'])
      expect(isReplay(await deliver(port, { key: 'k' }))).toBe(true)
      expect(ledger).toEqual(['effect'])
    })
  }

  test('rolls back where the effects may not wait for them', async () => {
    const { app, receiver, ledger } = await setUp('sync')
    app.post('/webhook', async (request, reply) => {
      await attemptOf(request, receiver).commit(tx => {
        tx.write('effect')
        reply.send('done')
      })
    })
    const { port } = await listen(listenerOf(app))
    await deliver(port, { key: 'k' })
    expect(ledger).toEqual([])
    expect((await receiver.record('POST /webhook', 'k'))!.state).toBe('failed')
  })
})
