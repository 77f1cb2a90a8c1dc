import { createReadStream } from 'node:fs'
import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Express, RequestHandler } from 'express'
import type { Source } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/express'
import type { Adapter, Before, Failure, Way } from './harness.js'

export type ExpressFactory = () => Express

/** A file with known text, for what sends files. */
const file = new URL('./fixture.txt', import.meta.url).pathname
const FILE_TEXT = 'a file\n'

export function expressAdapter(name: string, express: ExpressFactory): Adapter {
  const app = (source: Source, ...handlers: RequestHandler[]): RequestListener =>
    express()
      .set('env', 'production')
      .use(idempotent(source), ...handlers)

  const awaiting =
    (before: Before): RequestHandler =>
    (_req, _res, next) =>
      void before().then(() => next(), next)

  const way = (name: string, answer: RequestHandler, body: string, more: Partial<Way> = {}): Way => ({
    name,
    body,
    ...more,
    listener: (source, before) => app(source, awaiting(before), answer),
  })

  const failure = (name: string, fail: RequestHandler): Failure => ({
    name,
    listener: (source, before) =>
      app(
        source,
        (_, res, next) => void before().then(failing => (failing ? next() : res.send('recovered')), next),
        fail,
      ),
  })

  return {
    name,
    listener: (source, handle) =>
      app(source, (req, res, next) => {
        handle({ body: (req as unknown as { rawBody: Buffer }).rawBody, attempt: attemptOf(req) })
          .then(async ({ status = 200, headers = [], body, stream }) => {
            res.status(status)
            for (const [name, value] of headers) res.append(name, value)
            if (stream) await pipeline(stream, res)
            else res.end(body)
          })
          .catch(next)
      }),
    ways: [
      way('json', (_, res) => void res.json({ ok: true }), '{"ok":true}', {
        headers: { 'content-type': 'application/json; charset=utf-8' },
      }),
      way('status and json', (_, res) => void res.status(201).json({ ok: true }), '{"ok":true}', { status: 201 }),
      way('send a string', (_, res) => void res.send('done'), 'done', {
        headers: { 'content-type': 'text/html; charset=utf-8' },
      }),
      way('send a Buffer', (_, res) => void res.send(Buffer.from('done')), 'done'),
      way('send nothing', (_, res) => void res.send(), ''),
      way('sendStatus', (_, res) => void res.sendStatus(202), 'Accepted', { status: 202 }),
      way('sendStatus 204', (_, res) => void res.sendStatus(204), '', { status: 204 }),
      way('end', (_, res) => void res.end(), ''),
      way(
        'write and end',
        (_, res) => {
          res.write('a')
          res.end('b')
        },
        'ab',
      ),
      way('pipe', (_, res) => void Readable.from([Buffer.from('a'), Buffer.from('b')]).pipe(res), 'ab'),
      way('pipeline', (_, res) => void pipeline(createReadStream(file), res).catch(() => {}), FILE_TEXT),
      way('sendFile', (_, res) => res.sendFile(file), FILE_TEXT),
      way('download', (_, res) => res.download(file, 'named.txt'), FILE_TEXT),
      way('cookies, which the first sender gets', (_, res) => void res.cookie('a', '1').send('a'), 'a', {
        headers: { 'set-cookie': 'a=1; Path=/' },
      }),
    ],
    failures: [
      failure('thrown', () => {
        throw new Error('internal')
      }),
      failure('next(error)', (_req, _res, next) => next(new Error('internal'))),
      failure('next(error) from a timer', (_req, _res, next) => void setTimeout(() => next(new Error('internal')), 1)),
      failure('the response destroyed', (_, res) => void res.destroy()),
      failure('the request destroyed', req => void req.destroy()),
    ],
  }
}
