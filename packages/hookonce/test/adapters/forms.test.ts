import type { IncomingMessage, RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import busboy from 'busboy'
import express, { type Express, type RequestHandler } from 'express'
// @ts-expect-error the types are Express 5's; Express 4 is here to be run
import express4 from 'express4'
import fastify, { type FastifyInstance, type RouteHandlerMethod } from 'fastify'
import formidable from 'formidable'
import type { Source } from 'hookonce'
import { idempotent } from 'hookonce/adapters/express'
import { idempotent as plugin } from 'hookonce/adapters/fastify'
import { handleNode } from 'hookonce/adapters/node'
import multer from 'multer'
import { describe, expect, test, vi } from 'vitest'
import { listenerOf } from './fastify.cases.js'
import { deliver, eventually, gate, isReplay, listen, open, receiverOver } from './harness.js'

// Express prints the errors that it answers.
vi.spyOn(console, 'error').mockImplementation(() => {})

const TYPE = 'multipart/form-data; boundary=B'
/** A mail as form services send it: a field and a file of `size` bytes. */
const form = (size = 5) =>
  [
    ...['--B', 'Content-Disposition: form-data; name="from"', '', 'a@b.example'],
    ...['--B', 'Content-Disposition: form-data; name="file"; filename="x.txt"', 'Content-Type: text/plain', ''],
    ...['x'.repeat(size), '--B--', ''],
  ].join('\r\n')
const sent = (size = 5) => ({ key: 'k', headers: [['content-type', TYPE]] as [string, string][], body: form(size) })
const parsed = (size = 5) => JSON.stringify({ from: 'a@b.example', bytes: size })

/** Every way in which somebody reads a request: what it makes of the form. */
const readers: Record<string, (req: IncomingMessage) => Promise<string>> = {
  multer: req =>
    new Promise((resolve, reject) => {
      multer().any()(req as express.Request, {} as express.Response, (error: unknown) => {
        const { body, files } = req as never as { body: { from: string }; files: { size: number }[] }
        if (error) reject(error)
        else resolve(JSON.stringify({ from: body.from, bytes: files[0].size }))
      })
    }),
  formidable: async req => {
    const [fields, files] = await formidable({}).parse(req)
    return JSON.stringify({ from: fields.from![0], bytes: files.file![0].size })
  },
  busboy: req =>
    new Promise((resolve, reject) => {
      let from = ''
      let bytes = 0
      const parser = busboy({ headers: req.headers })
      parser.on('field', (_: string, value: string) => {
        from = value
      })
      parser.on('file', (_: string, file: Readable) => file.on('data', (chunk: Buffer) => (bytes += chunk.length)))
      parser.on('close', () => resolve(JSON.stringify({ from, bytes }))).on('error', reject)
      req.pipe(parser)
    }),
  'for await': async req => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    return sizeOf(Buffer.concat(chunks))
  },
  'data and end': req =>
    new Promise(resolve => {
      const chunks: Buffer[] = []
      req.on('data', chunk => chunks.push(chunk)).on('end', () => resolve(sizeOf(Buffer.concat(chunks))))
    }),
  'a web stream': async req => sizeOf(Buffer.from(await new Response(Readable.toWeb(req) as never).arrayBuffer())),
}

/** Of a form that is all there. */
function sizeOf(bytes: Buffer): string {
  const size = bytes.length - form(0).length
  expect(bytes.toString()).toBe(form(size))
  return parsed(size)
}

const expressApp =
  (make: () => Express) =>
  (source: Source, read: (req: IncomingMessage) => Promise<string>): RequestListener =>
    make().post('/webhook', idempotent(source), (async (req, res) => void res.send(await read(req))) as RequestHandler)

const adapters = {
  'Express 5': expressApp(express),
  'Express 4': expressApp(express4),
  'node:http': (source: Source, read: (req: IncomingMessage) => Promise<string>) =>
    handleNode(source, async (req, res) => void res.end(await read(req))),
  Fastify: (source: Source, read: (req: IncomingMessage) => Promise<string>) => {
    const app = fastify()
    app.register(plugin, { source })
    app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null))
    app.post('/webhook', request => read(request.raw))
    return listenerOf(app)
  },
}

describe.each(Object.entries(adapters))('a request behind %s is read once more', (_, listener) => {
  test.each(Object.entries(readers))('%s', async (_, read) => {
    const { source } = receiverOver()
    const { port } = await listen(listener(source, read))
    // The larger one is more than any stream takes at once.
    for (const size of [5, 500_000]) {
      const delivery = { ...sent(size), key: `${size}` }
      const answer = await deliver(port, delivery)
      expect([answer.status, answer.body.toString()]).toEqual([200, parsed(size)])
      expect(isReplay(await deliver(port, delivery))).toBe(true)
    }
  })

  test('although its sender disconnected meanwhile', async () => {
    const { source, receiver } = receiverOver()
    const reading = gate()
    let runs = 0
    const { port, sockets } = await listen(
      listener(source, async req => {
        runs++
        await reading.opened
        return readers.multer(req)
      }),
    )
    const { req } = open(port, sent())
    req.end(form())
    await eventually(() => runs)
    req.destroy()
    await eventually(() => sockets[0].closed)
    reading.open()
    await receiver.settled()
    const again = await deliver(port, sent())
    expect([isReplay(again), again.body.toString(), runs]).toEqual([true, parsed(), 1])
  })

  test('or not at all', async () => {
    const { source } = receiverOver()
    const { port } = await listen(listener(source, async () => 'unread'))
    for (let i = 0; i < 3; i++) {
      expect((await deliver(port, { ...sent(200_000), key: `${i}` })).body.toString()).toBe('unread')
    }
  })
})

describe.each([
  ['5', express],
  ['4', express4 as typeof express],
])('Express %s body parsers', (_, make) => {
  const json: [string, string][] = [['content-type', 'application/json']]
  const text: [string, string][] = [['content-type', 'text/plain']]

  test('that follow change nothing of what was parsed', async () => {
    const app = make()
    const echo: RequestHandler = (req, res) =>
      void res.json([req.body, (req as never as { rawBody: Buffer }).rawBody.length])
    const { source } = receiverOver()
    app.post('/webhook', idempotent(source), make.json(), make.urlencoded({ extended: false }), echo)
    const { port } = await listen(app)
    expect((await deliver(port, { headers: json, body: '{"a":1}' })).body.toString()).toBe('[{"a":1},7]')
    const urlencoded: [string, string][] = [['content-type', 'application/x-www-form-urlencoded']]
    expect((await deliver(port, { headers: urlencoded, body: 'a=1&b=2' })).body.toString()).toBe(
      '[{"a":"1","b":"2"},7]',
    )
  })

  test('that came before without keeping the bytes are an error that says what to do', async () => {
    for (const parser of [make.json(), make.text({ type: '*/*' })]) {
      const app = make()
      const { source } = receiverOver()
      app.use(parser).post('/webhook', idempotent(source), (_, res) => void res.send('ran'))
      app.use(((error, _req, res, _next) => res.status(500).send(error.message)) as express.ErrorRequestHandler)
      const { port } = await listen(app)
      const answer = await deliver(port, { headers: json, body: '{"a":1}' })
      expect([answer.status, answer.body.toString()]).toEqual([
        500,
        expect.stringMatching(/mount it before body parsers/),
      ])
    }
  })

  test('that came before and found no body are no hindrance', async () => {
    const app = make()
    const { source } = receiverOver()
    app
      .use(make.raw({ type: '*/*' }), make.json())
      .post('/webhook', idempotent(source), (_, res) => void res.send('ran'))
    const { port } = await listen(app)
    for (const body of ['', 'text']) {
      expect((await deliver(port, { headers: text, body })).body.toString()).toBe('ran')
    }
  })
})

describe('Fastify plugins for forms', () => {
  const parts: RouteHandlerMethod = async request => {
    let from = ''
    let bytes = 0
    for await (const part of request.parts()) {
      if (part.type === 'file') bytes += (await part.toBuffer()).length
      else from = part.value as string
    }
    return { from, bytes }
  }
  const file: RouteHandlerMethod = async request => {
    const given = (await request.file())!
    const bytes = (await given.toBuffer()).length
    return { from: (given.fields.from as { value: string }).value, bytes }
  }
  const attached: RouteHandlerMethod = async request => {
    const { from, file } = request.body as { from: string; file: Buffer | string }
    return { from, bytes: file.length }
  }

  const orders: Record<string, (app: FastifyInstance, other: () => unknown, source: Source) => unknown> = {
    before: async (app, other, source) => {
      await other()
      await app.register(plugin, { source })
    },
    after: async (app, other, source) => {
      await app.register(plugin, { source })
      await other()
    },
  }

  describe.each(Object.entries(orders))('registered %s idempotent', (_, register) => {
    test.each([
      ['request.parts()', parts, {}],
      ['request.file()', file, {}],
      ['attachFieldsToBody', attached, { attachFieldsToBody: 'keyValues' as const }],
    ])('@fastify/multipart: %s', async (_, handler, options) => {
      const { source } = receiverOver()
      const app = fastify()
      await register(app, () => app.register(multipart, options), source)
      app.post('/webhook', handler)
      const { port } = await listen(listenerOf(app))
      for (const size of [5, 500_000]) {
        const delivery = { ...sent(size), key: `${size}` }
        const answer = await deliver(port, delivery)
        expect([answer.status, answer.body.toString()]).toEqual([200, parsed(size)])
        expect(isReplay(await deliver(port, delivery))).toBe(true)
      }
    })

    test('@fastify/formbody', async () => {
      const { source } = receiverOver()
      const app = fastify()
      const parser = (text: string) => ({ by: 'formbody', ...Object.fromEntries(new URLSearchParams(text)) })
      await register(app, () => app.register(formbody, { parser }), source)
      app.post('/webhook', async request => request.body)
      const { port } = await listen(listenerOf(app))
      const headers: [string, string][] = [['content-type', 'application/x-www-form-urlencoded']]
      expect((await deliver(port, { headers, body: 'a=1' })).body.toString()).toBe('{"by":"formbody","a":"1"}')
    })
  })
})
