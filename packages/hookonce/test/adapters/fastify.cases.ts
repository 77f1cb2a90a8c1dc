import { createReadStream } from 'node:fs'
import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import fastify, { type FastifyInstance, type RouteHandlerMethod } from 'fastify'
import type { Source } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/fastify'
import type { Adapter, Before, Failure, Way } from './harness.js'

const FILE_TEXT = 'a file\n'
const file = () => createReadStream(new URL('./fixture.txt', import.meta.url))

export function listenerOf(app: FastifyInstance): RequestListener {
  const ready = app.ready()
  return (req, res) => void ready.then(() => app.routing(req, res))
}

/** Every path, and errors answered as an application does that shows nothing of them. */
function serving(source: Source, handler: RouteHandlerMethod, before: Before = async () => false): RequestListener {
  const app = fastify()
  app.register(idempotent, { source })
  app.setErrorHandler((_, __, reply) => void reply.code(500).send({ error: 'failed' }))
  app.addHook('preHandler', async () => void (await before()))
  app.all('*', handler)
  return listenerOf(app)
}

const way = (name: string, answer: RouteHandlerMethod, body: string, more: Partial<Way> = {}): Way => ({
  name,
  body,
  ...more,
  listener: (source, before) => serving(source, answer, before),
})

const failure = (name: string, fail: RouteHandlerMethod): Failure => ({
  name,
  listener: (source, before) => {
    const app = fastify()
    app.register(idempotent, { source })
    app.setErrorHandler((_, __, reply) => void reply.code(500).send({ error: 'failed' }))
    app.addHook('preHandler', async (_, reply) => ((await before()) ? undefined : reply.send('recovered')))
    app.post('/webhook', fail)
    return listenerOf(app)
  },
})

const ab = () => Readable.from([Buffer.from('a'), Buffer.from('b')])

export const fastifyAdapter: Adapter = {
  name: 'Fastify',
  listener: (source, handle) =>
    serving(source, async (request, reply) => {
      const {
        status = 200,
        headers = [],
        body,
        stream,
      } = await handle({
        body: request.rawBody,
        attempt: attemptOf(request),
      })
      reply.code(status)
      for (const [name, value] of headers) {
        // Fastify itself gathers cookies only.
        const before = name === 'set-cookie' ? undefined : reply.getHeader(name)
        reply.header(name, before === undefined ? value : [before, value].flat())
      }
      return reply.send(stream ? Readable.from(stream) : body)
    }),
  ways: [
    way('an object returned', async () => ({ ok: true }), '{"ok":true}', {
      headers: { 'content-type': 'application/json; charset=utf-8' },
    }),
    way('a string returned', async () => 'done', 'done', { headers: { 'content-type': 'text/plain; charset=utf-8' } }),
    way('a Buffer returned', async () => Buffer.from('done'), 'done'),
    way('a stream returned', async () => ab(), 'ab'),
    way(
      'a web Response returned',
      async () => new Response('done', { status: 201, headers: { 'x-one': '1' } }),
      'done',
      {
        status: 201,
        headers: { 'x-one': '1' },
      },
    ),
    way('nothing returned', async () => {}, ''),
    way('returned at once', () => ({ ok: true }), '{"ok":true}'),
    way('code and send', (_, reply) => void reply.code(201).send({ ok: true }), '{"ok":true}', { status: 201 }),
    way('send a string', (_, reply) => void reply.type('text/html').send('done'), 'done', {
      headers: { 'content-type': 'text/html' },
    }),
    way('send a Buffer', (_, reply) => void reply.send(Buffer.from('done')), 'done'),
    way('send a stream', (_, reply) => void reply.send(file()), FILE_TEXT),
    way('send a web stream', (_, reply) => void reply.send(Readable.toWeb(ab())), 'ab'),
    way('send nothing', (_, reply) => void reply.send(), ''),
    way('204', (_, reply) => void reply.code(204).send(), '', { status: 204 }),
    way('reply returned', async (_, reply) => reply.code(202).send('done'), 'done', { status: 202 }),
    way('later, from a timer', (_, reply) => void setTimeout(() => reply.send('late'), 5), 'late'),
    way('reply.raw', (_, reply) => void reply.raw.writeHead(202, { 'x-one': '1' }).end('done'), 'done', {
      status: 202,
      headers: { 'x-one': '1' },
    }),
    way(
      'hijacked',
      async (_, reply) => {
        reply.hijack()
        reply.raw.write('a')
        setTimeout(() => reply.raw.end('b'), 1)
      },
      'ab',
    ),
    way(
      'early hints, which are dropped',
      (_, reply) => {
        reply.writeEarlyHints({ link: '</a>; rel=preload' }, () => reply.send('a'))
      },
      'a',
    ),
    way('cookies, which the first sender gets', (_, reply) => void reply.header('set-cookie', 'a=1').send('a'), 'a', {
      headers: { 'set-cookie': 'a=1' },
    }),
  ],
  failures: [
    failure('thrown', () => {
      throw new Error('internal')
    }),
    failure('rejected', async () => {
      throw new Error('internal')
    }),
    failure('an error sent', (_, reply) => void reply.send(new Error('internal'))),
    failure('an error returned', async () => new Error('internal')),
    failure('a stream that fails at once', async () =>
      Readable.from(
        // biome-ignore lint/correctness/useYield: it fails before
        (async function* () {
          throw new Error('internal')
        })(),
      ),
    ),
    failure('a stream that fails', async () =>
      Readable.from(
        (async function* () {
          yield Buffer.from('half')
          throw new Error('internal')
        })(),
      ),
    ),
    failure('the response destroyed', (_, reply) => void reply.raw.destroy()),
    failure('the request destroyed', request => void request.raw.destroy()),
  ],
}
