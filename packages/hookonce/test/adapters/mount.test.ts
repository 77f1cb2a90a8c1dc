import { createHmac } from 'node:crypto'
import type { RequestListener } from 'node:http'
import express, { type Express } from 'express'
// @ts-expect-error the types are Express 5's; Express 4 is here to be run
import express4 from 'express4'
import fastify, { type FastifyInstance } from 'fastify'
import { createInbox, type Inbox, type Receiver, type Source } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/express'
import { attemptOf as attemptOfFastify, idempotent as plugin } from 'hookonce/adapters/fastify'
import { handleFetch } from 'hookonce/adapters/fetch'
import { handleNode } from 'hookonce/adapters/node'
import { stripe } from 'hookonce/senders/stripe'
import { describe, expect, test, vi } from 'vitest'
import { listenerOf } from './fastify.cases.js'
import { bridge } from './fetch-bridge.js'
import { deliver, isReplay, listen, receiverOver } from './harness.js'

// Express prints the errors that it answers.
vi.spyOn(console, 'error').mockImplementation(() => {})

const SECRET = 'whsec_of_a_test_that_is_long_enough'
const SPELLED = ['/webhook', '/webhook/', '/WEBHOOK', '/%77ebhook', '//webhook', '/webhook?x=1', '/webhook/.']

/** One delivery as Stripe signs it: no path is signed. */
function captured() {
  const body = '{"id":"evt_1"}'
  const t = Math.floor(Date.now() / 1000)
  const v1 = createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex')
  const headers: [string, string][] = [
    ['content-type', 'application/json'],
    ['stripe-signature', `t=${t},v1=${v1}`],
  ]
  return { body, headers }
}

const makes: [string, () => Express][] = [
  ['4', express4],
  ['5', express],
]

describe('one signed delivery, sent by every spelling of its path, runs once', () => {
  const routings: Record<string, (receiver: Receiver, ran: () => void) => RequestListener> = {
    ...Object.fromEntries(
      makes.map(([version, make]) => [
        `Express ${version}`,
        (receiver: Receiver, ran: () => void) =>
          make().post('/webhook', idempotent(receiver), (_, res) => {
            ran()
            res.json({ ok: true })
          }),
      ]),
    ),
    Fastify: (receiver, ran) => {
      const routerOptions = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false }
      const app = fastify({ routerOptions })
      app.register(plugin, { source: receiver })
      app.post('/webhook', async () => ran())
      return listenerOf(app)
    },
    'Fastify, by a prefix': (receiver, ran) => {
      const app = fastify()
      app.register(plugin, { source: receiver })
      app.register(async scope => void scope.post('/', async () => ran()), { prefix: '/webhook' })
      return listenerOf(app)
    },
    'Fastify, by a parameter': (receiver, ran) => {
      const app = fastify()
      app.register(plugin, { source: receiver })
      app.all('/*', async () => ran())
      app.post('/:any', async () => ran())
      return listenerOf(app)
    },
    'node:http': (receiver, ran) =>
      handleNode(receiver.source({ name: 'webhook' }), (_, res) => {
        ran()
        res.end()
      }),
    fetch: (receiver, ran) => {
      const source = receiver.source({ name: 'webhook' })
      return bridge(request =>
        handleFetch(source, request, () => {
          ran()
          return new Response()
        }),
      )
    },
    inbox: (receiver, ran) => {
      const inbox = createInbox({ receiver, handlers: { webhook: () => ran() } })
      inbox.start()
      return handleNode(inbox.source('webhook'), () => {})
    },
  }

  test.each(Object.entries(routings))('%s', async (name, routing) => {
    const { receiver } = receiverOver({ sender: stripe({ secrets: [SECRET] }) })
    let runs = 0
    const { port } = await listen(routing(receiver, () => runs++))
    const delivery = captured()
    const statuses = []
    for (const path of SPELLED) statuses.push((await deliver(port, { ...delivery, path })).status)
    // Two routes of the application, and one run in each.
    expect(runs).toBe(name === 'Fastify, by a parameter' ? 2 : 1)
    expect(statuses.filter(status => status !== 404).length).toBeGreaterThan(1)
    expect(statuses.filter(status => status >= 300 && status !== 404)).toEqual([])
  })
})

describe.each(makes)('idempotent(receiver) in Express %s', (_, make) => {
  const failing = async (mount: (app: Express, receiver: Receiver) => unknown, path = '/in') => {
    const { receiver } = receiverOver()
    const app = make()
    mount(app, receiver)
    app.use(((error, _req, res, _next) => res.status(500).send(error.message)) as express.ErrorRequestHandler)
    const { port } = await listen(app)
    const answer = await deliver(port, { key: 'k', path })
    return `${answer.status} ${answer.body}`
  }
  const ok: express.RequestHandler = (_, res) => void res.send('ran')

  test('names a source by method and pattern', async () => {
    const { receiver } = receiverOver()
    const app = make()
    app.post('/tenants/:id/webhook', idempotent(receiver), (req, res) => void res.json(attemptOf(req, receiver).key))
    const { port } = await listen(app)
    expect((await deliver(port, { key: 'k', path: '/tenants/a/webhook' })).body.toString()).toBe('"k"')
    expect(isReplay(await deliver(port, { key: 'k', path: '/TENANTS/b/webhook/' }))).toBe(true)
    expect(await receiver.record('POST /tenants/:id/webhook', 'k')).toBeDefined()
  })

  test('keeps two methods of one path apart', async () => {
    const { receiver } = receiverOver()
    const app = make()
    app.post('/in', idempotent(receiver), (_, res) => void res.send('made'))
    app.put('/in', idempotent(receiver), (_, res) => void res.send('kept'))
    const { port } = await listen(app)
    expect((await deliver(port, { key: 'k', path: '/in' })).body.toString()).toBe('made')
    expect((await deliver(port, { key: 'k', path: '/in', method: 'PUT' })).body.toString()).toBe('kept')
  })

  test.each<[string, (app: Express, receiver: Receiver) => unknown, string?]>([
    ['app.use', (app, receiver) => app.use(idempotent(receiver), ok)],
    ['app.all', (app, receiver) => app.all('/in', idempotent(receiver), ok)],
    ['a route of two methods', (app, receiver) => app.route('/in').post(idempotent(receiver), ok).put(ok)],
    ['a RegExp', (app, receiver) => app.post(/in/, idempotent(receiver), ok)],
    ['a list of paths', (app, receiver) => app.post(['/in', '/out'], idempotent(receiver), ok)],
    [
      'a Router with a path',
      (app, receiver) => app.use('/:tenant', express.Router().post('/in', idempotent(receiver), ok)),
      '/acme/in',
    ],
    [
      'an application in another',
      (app, receiver) => app.use('/a', make().post('/in', idempotent(receiver), ok)),
      '/a/in',
    ],
  ])('is an error that says what to write: %s', async (_, mount, path) => {
    expect(await failing(mount, path)).toMatch(
      /^500 .*name the source: idempotent\(receiver\.source\(\{ name: 'orders' \}\)\)$/,
    )
  })

  test('there a source with a name does', async () => {
    const named = (receiver: Receiver) => idempotent(receiver.source({ name: 'orders' }))
    expect(await failing((app, receiver) => app.use(named(receiver), ok))).toBe('200 ran')
    expect(
      await failing((app, receiver) => app.use('/a', express.Router().post('/in', named(receiver), ok)), '/a/in'),
    ).toBe('200 ran')
  })
})

describe('a receiver in Fastify', () => {
  const setUp = async (mount: (app: FastifyInstance, receiver: Receiver) => unknown) => {
    const { receiver, events } = receiverOver()
    const app = fastify()
    await mount(app, receiver)
    return { receiver, events, ...(await listen(listenerOf(app))) }
  }

  test('gives each route a source named by method and pattern, with its prefix', async () => {
    const { port, receiver } = await setUp((app, receiver) => {
      app.register(plugin, { source: receiver })
      const tenants = async (scope: FastifyInstance) => {
        scope.post('/:id/webhook', async request => attemptOfFastify(request, receiver).key)
        scope.route({ method: ['POST', 'PUT'], url: '/both', handler: async () => 'both' })
      }
      app.register(tenants, { prefix: '/tenants' })
    })
    expect((await deliver(port, { key: 'k', path: '/tenants/a/webhook' })).body.toString()).toBe('k')
    expect(isReplay(await deliver(port, { key: 'k', path: '/tenants/b/webhook' }))).toBe(true)
    expect(await receiver.record('POST /tenants/:id/webhook', 'k')).toBeDefined()
    // One handler, one source.
    await deliver(port, { key: 'k', path: '/tenants/both' })
    expect(isReplay(await deliver(port, { key: 'k', path: '/tenants/both', method: 'PUT' }))).toBe(true)
  })

  test('refuses to guess where two routes differ by constraints alone', async () => {
    const { port, events } = await setUp((app, receiver) => {
      app.register(plugin, { source: receiver })
      app.post('/in', { constraints: { version: '1.0.0' } }, async () => 'a')
      app.post('/in', { constraints: { version: '2.0.0' } }, async () => 'b')
    })
    const at = (version: string) => deliver(port, { key: 'k', path: '/in', headers: [['accept-version', version]] })
    expect((await at('1.0.0')).body.toString()).toBe('a')
    expect((await at('2.0.0')).status).toBe(500)
    expect(String((events[0] as { error: Error }).error)).toMatch(/several routes are POST \/in; name their sources/)
  })

  test('a route cannot be given a receiver or an inbox for a source', async () => {
    for (const wrong of [
      (r: Receiver) => r,
      (r: Receiver) => createInbox({ receiver: r, handlers: {} }),
      () => 'orders',
    ]) {
      const { receiver } = receiverOver()
      const app = fastify()
      await app.register(plugin, { source: receiver })
      const config = { idempotency: wrong(receiver) as never }
      expect(() => app.post('/in', { config }, async () => 'ran')).toThrow(/source/)
    }
  })
})

describe('what is no source is refused when it is mounted, by types and at run time', () => {
  const { receiver } = receiverOver()
  const inbox: Inbox = createInbox({ receiver, handlers: {} })
  const request = new Request('http://x/')

  test('a receiver', async () => {
    // @ts-expect-error a receiver is no source
    expect(() => handleNode(receiver, () => {})).toThrow(
      "a receiver is no source by itself; name one: handleNode(receiver.source({ name: 'orders' }), handler)",
    )
    // @ts-expect-error a receiver is no source
    await expect(handleFetch(receiver, request, () => new Response())).rejects.toThrow(
      "a receiver is no source by itself; name one: handleFetch(receiver.source({ name: 'orders' }), request, handler)",
    )
    // @ts-expect-error a receiver receives nothing
    expect(receiver.receive).toBeUndefined()
  })

  test('an inbox', async () => {
    // @ts-expect-error an inbox is no source
    expect(() => handleNode(inbox, () => {})).toThrow("name one of it: handleNode(inbox.source('orders'), handler)")
    // @ts-expect-error an inbox is no source
    expect(() => idempotent(inbox)).toThrow("name one of it: idempotent(inbox.source('orders'))")
  })

  test.each([undefined, null, 'orders', {}])('%j', async wrong => {
    const nothing = wrong as unknown as Source
    expect(() => handleNode(nothing, () => {})).toThrow(/needs a source/)
    expect(() => idempotent(nothing)).toThrow(/needs a source/)
    await expect(handleFetch(nothing, request, () => new Response())).rejects.toThrow(/needs a source/)
  })
})
