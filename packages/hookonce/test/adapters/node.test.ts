import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { handleNode, type NodeHandler } from 'hookonce/adapters/node'
import { adapterCases } from './cases.js'
import type { Adapter, Failure, Way } from './harness.js'

const way = (name: string, answer: NodeHandler, body: string, more: Partial<Way> = {}): Way => ({
  name,
  body,
  ...more,
  listener: (source, before) =>
    handleNode(source, async (...args) => {
      await before()
      return answer(...args)
    }),
})

const failure = (name: string, fail: NodeHandler): Failure => ({
  name,
  listener: (source, before) =>
    handleNode(source, async (...args) => {
      if (await before()) return fail(...args)
      args[1].end('recovered')
    }),
})

const lines = () => Readable.from(['one\n', 'two\n', 'three\n'].map(line => Buffer.from(line)))

const node: Adapter = {
  name: 'node:http',
  listener: (source, handle) =>
    handleNode(source, async (req, res, attempt) => {
      const { status = 200, headers = [], body, stream } = await handle({ body: req.rawBody, attempt })
      res.statusCode = status
      for (const [name, value] of headers) res.appendHeader(name, value)
      if (stream) await pipeline(stream, res)
      else res.end(body)
    }),
  ways: [
    way('end alone', (_, res) => res.end(), ''),
    way('end with a string', (_, res) => res.end('done'), 'done'),
    way('end with an encoding', (_, res) => res.end('ZG9uZQ==', 'base64'), 'done'),
    way('end with a callback', (_, res) => new Promise<void>(resolve => void res.end('done', () => resolve())), 'done'),
    way(
      'write and end with encodings',
      (_, res) => {
        res.write('6162', 'hex')
        res.write(Buffer.from('c'))
        res.end('d')
      },
      'abcd',
    ),
    way(
      'each write after the callback of the one before, in one buffer',
      async (_, res) => {
        const buffer = Buffer.alloc(1)
        for (const letter of 'abc') {
          buffer.write(letter)
          await new Promise<unknown>(resolve => res.write(buffer, resolve))
        }
        res.end()
      },
      'abc',
    ),
    way(
      'setHeader and statusCode',
      (_, res) => {
        res.statusCode = 201
        res.setHeader('X-One', '1').setHeader('X-Gone', 'x')
        res.removeHeader('x-gone')
        res.end(String(res.getHeader('x-one')))
      },
      '1',
      { status: 201, headers: { 'x-one': '1' } },
    ),
    way(
      'writeHead with an object',
      (_, res) => res.setHeader('x-one', '0').writeHead(202, { 'X-One': '1' }).end('a'),
      'a',
      {
        status: 202,
        headers: { 'x-one': '1' },
      },
    ),
    way(
      'writeHead with a status message and a list',
      (_, res) => res.writeHead(202, 'Taken', ['X-One', '1', 'X-Two', '2']).end('a'),
      'a',
      { status: 202, headers: { 'x-one': '1', 'x-two': '2' } },
    ),
    way(
      'flushHeaders first',
      (_, res) => {
        res.setHeader('x-one', '1')
        res.flushHeaders()
        setImmediate(() => res.end('a'))
      },
      'a',
      { headers: { 'x-one': '1' } },
    ),
    way(
      '1xx and trailers, which are dropped',
      (_, res) => {
        res.writeContinue()
        res.writeProcessing()
        res.writeEarlyHints({ link: '</a>; rel=preload' })
        res.setHeader('trailer', 'x-sum')
        res.write('a')
        res.addTrailers({ 'x-sum': '1' })
        res.end()
      },
      'a',
    ),
    way('later, from a timer', (_, res) => void setTimeout(() => res.end('late'), 5), 'late'),
    way('pipe', (_, res) => void lines().pipe(res), 'one\ntwo\nthree\n'),
    way('pipeline of a stream', (_, res) => pipeline(lines(), res), 'one\ntwo\nthree\n'),
    way(
      'pipeline of a generator',
      (_, res) =>
        pipeline(async function* () {
          yield 'one'
          yield 'two'
        }, res),
      'onetwo',
    ),
  ],
  failures: [
    failure('thrown', () => {
      throw new Error('internal')
    }),
    failure('rejected later', async (_, res) => {
      res.write('half')
      throw new Error('internal')
    }),
    failure('the response destroyed', (_, res) => res.destroy()),
    failure('the request destroyed', req => req.destroy()),
    failure('the socket destroyed', (_, res) => res.socket!.destroy()),
    failure('a stream that fails', (_, res) =>
      pipeline(async function* () {
        yield 'half'
        throw new Error('internal')
      }, res),
    ),
    failure('an impossible status', (_, res) => res.writeHead(99).end()),
  ],
}

adapterCases(node)
