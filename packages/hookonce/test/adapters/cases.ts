import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { type ReceiverOptions, StoreError } from 'hookonce'
import { describe, expect, test } from 'vitest'
import {
  type Adapter,
  type Before,
  type Delivering,
  deliver,
  eventually,
  gate,
  type Handle,
  listen,
  open,
  type Received,
  receiverOver,
  repeated,
  type Served,
  serve,
  storeWith,
} from './harness.js'

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, value) => value))
const MIB = 1_048_576

const ok: Handle = ({ number }) => ({ headers: [['content-type', 'application/json']], body: `{"run":${number}}` })

const source = 'POST /webhook'

/** What every adapter does, over real sockets. An adapter's own test is a call to it. */
export function adapterCases(adapter: Adapter): void {
  const start = (handle: Handle = ok, options?: Partial<ReceiverOptions>) => serve(adapter, handle, options)

  describe('a duplicate gets the recorded answer', () => {
    for (const way of adapter.ways) {
      test(`byte for byte, however it was given: ${way.name}`, async () => {
        const { receiver } = receiverOver()
        let runs = 0
        const { port } = await listen(
          way.listener(
            receiver,
            counted(() => runs++),
          ),
        )
        const first = await deliver(port, { key: 'k' })
        const second = await deliver(port, { key: 'k' })
        expect(first.body.toString()).toBe(way.body)
        expect(first.status).toBe(way.status ?? 200)
        for (const [name, value] of Object.entries(way.headers ?? {})) expect(first.header(name), name).toBe(value)
        expect(isReplay(first)).toBe(false)
        expect(isReplay(second)).toBe(true)
        expect(repeated(second)).toEqual(repeated(first))
        expect(runs).toBe(1)
      })
    }

    test('says so: X-Cached, X-Cached-At, Idempotent-Replayed', async () => {
      const { deliver } = await start()
      const first = await deliver({ key: 'k' })
      const second = await deliver({ key: 'k' })
      for (const name of ['x-cached', 'x-cached-at', 'idempotent-replayed']) expect(first.header(name)).toBeUndefined()
      expect(second.header('x-cached')).toBe('true')
      expect(second.header('x-cached-at')).toBe(new Date(second.header('x-cached-at')!).toISOString())
      expect(second.header('idempotent-replayed')).toBe('true')
    })

    test('with the content-length of its body', async () => {
      const { deliver } = await start(() => ({ headers: [['content-length', '2']], body: 'ok' }))
      for (const answer of [await deliver({ key: 'k' }), await deliver({ key: 'k' })]) {
        expect(answer.header('content-length')).toBe('2')
        expect(answer.header('transfer-encoding')).toBeUndefined()
      }
    })

    test('with all 256 byte values, in and out', async () => {
      const { deliver, runs } = await start(({ body }) => ({ body: Buffer.from(body) }))
      for (let i = 0; i < 2; i++) {
        const answer = await deliver({ key: 'k', body: EVERY_BYTE, headers: [['content-type', 'image/png']] })
        expect(answer.body.equals(EVERY_BYTE)).toBe(true)
      }
      expect(EVERY_BYTE.equals(runs[0].body)).toBe(true)
    })

    for (const status of [200, 204]) {
      test(`without a second run when it is an empty ${status}`, async () => {
        const { deliver, runs } = await start(() => ({ status }))
        await deliver({ key: 'k' })
        const second = await deliver({ key: 'k' })
        expect([second.status, second.body.length, isReplay(second), runs.length]).toEqual([status, 0, true, 1])
        if (status === 204) expect(second.header('content-length')).toBeUndefined()
      })
    }

    test('with headers of several values, and without cookies, connection headers and the old date', async () => {
      const date = 'Thu, 01 Jan 1970 00:00:00 GMT'
      const { deliver, receiver } = await start(() => ({
        headers: [
          ['link', '</a>; rel=a'],
          ['link', '</b>; rel=b'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['keep-alive', 'timeout=77'],
          ['date', date],
        ],
        body: 'ok',
      }))
      const values = ({ headers }: Received, name: string) =>
        headers.filter(([header]) => header === name).map(([, value]) => value)
      const first = await deliver({ key: 'k' })
      expect(values(first, 'link').join(', ')).toBe('</a>; rel=a, </b>; rel=b')
      expect(values(first, 'set-cookie')).toEqual(['a=1', 'b=2'])
      const second = await deliver({ key: 'k' })
      expect(values(second, 'link')).toEqual(values(first, 'link'))
      expect(values(second, 'set-cookie')).toEqual([])
      expect(second.header('date')).not.toBe(date)
      const recorded = (await receiver.record(source, 'k'))!.response!.headers.map(([name]) => name)
      for (const name of ['set-cookie', 'keep-alive', 'date', 'content-length', 'connection', 'transfer-encoding']) {
        expect(recorded).not.toContain(name)
      }
    })

    test('and fifty at the same time cause one run', async () => {
      const answering = gate()
      const { deliver, runs } = await start(async run => {
        await answering.opened
        return ok(run)
      })
      const deliveries = Array.from({ length: 50 }, () => deliver({ key: 'k' }))
      await eventually(() => runs.length)
      answering.open()
      const answers = await Promise.all(deliveries)
      expect(new Set(answers.map(({ body }) => body.toString()))).toEqual(new Set(['{"run":1}']))
      expect(answers.filter(answer => !isReplay(answer))).toHaveLength(1)
      expect(runs).toHaveLength(1)
    })
  })

  describe('the first answer', () => {
    for (const way of adapter.ways) {
      test(`leaves no byte before its record is durable: ${way.name}`, async () => {
        const recording = gate()
        let completing = false
        const store = storeWith(real => ({
          complete: async (...args) => {
            completing = true
            await recording.opened
            return real.complete(...args)
          },
        }))
        const { receiver } = receiverOver({ store })
        const { port, sockets } = await listen(way.listener(receiver, counted()))
        const { req, response } = open(port, { key: 'k' })
        req.end('{}')
        await eventually(() => completing)
        await deliver(port, {}) // time enough for bytes to leave
        expect(sockets[0].bytesWritten).toBe(0)
        recording.open()
        expect((await response).body.toString()).toBe(way.body)
      })
    }

    test('that is too large to record is streamed once, and replayed without its body', async () => {
      const chunk = Buffer.alloc(10_000, 'x')
      const { deliver, runs } = await start(() => ({ headers: [['x-kept', 'yes']], stream: chunks(chunk, 30) }), {
        maxResponseBytes: 25_000,
      })
      const first = await deliver({ key: 'k' })
      expect(first.body.length).toBe(300_000)
      expect(first.header('x-cached-body')).toBeUndefined()
      const second = await deliver({ key: 'k' })
      expect([second.status, second.body.length, second.header('x-cached-body')]).toEqual([200, 0, 'omitted'])
      expect([second.header('x-kept'), isReplay(second), runs.length]).toEqual(['yes', true, 1])
    })

    test('of exactly the recorded size is replayed whole', async () => {
      const { deliver } = await start(() => ({ stream: chunks(Buffer.alloc(500, 'x'), 2) }), {
        maxResponseBytes: 1_000,
      })
      await deliver({ key: 'k' })
      const second = await deliver({ key: 'k' })
      expect([second.body.length, second.header('x-cached-body')]).toEqual([1_000, undefined])
    })

    test('is not read faster than a slow sender takes it, and no further when the sender leaves', async () => {
      let produced = 0
      let stopped = false
      async function* endless() {
        try {
          for (;;) {
            produced += 65_536
            yield Buffer.alloc(65_536)
          }
        } finally {
          stopped = true
        }
      }
      const { port } = await start(() => ({ stream: endless() }), { maxResponseBytes: 1_000 })
      const { req } = open(port, { key: 'k' })
      req.end('{}')
      const [res] = await once(req, 'response')
      res.pause()
      let before = -1
      await eventually(async () => {
        const still = produced === before
        before = produced
        await deliver(port, { key: 'k' }) // a replay's time
        return still
      })
      expect(produced).toBeLessThan(64 * MIB)
      req.destroy()
      await eventually(() => stopped)
    })
  })

  describe('a failure is never recorded and the retry succeeds', () => {
    for (const failure of adapter.failures) {
      test(failure.name, async () => {
        const { receiver } = receiverOver()
        let runs = 0
        const listener = failure.listener(receiver, async () => ++runs === 1)
        const { port } = await listen(listener)
        const first = await deliver(port, { key: 'k' })
        expect([first.status, isReplay(first)]).toEqual([500, false])
        expect(first.body.toString()).not.toMatch(/internal|half/)
        const second = await deliver(port, { key: 'k' })
        expect([second.status, second.body.toString(), isReplay(second)]).toEqual([200, 'recovered', false])
        const third = await deliver(port, { key: 'k' })
        expect([third.body.toString(), isReplay(third), runs]).toEqual(['recovered', true, 2])
      })
    }

    for (const status of [400, 404, 500, 503]) {
      test(`a ${status} given back by the handler`, async () => {
        const { deliver, runs } = await start(({ number }) => (number === 1 ? { status, body: 'no' } : { body: 'yes' }))
        const first = await deliver({ key: 'k' })
        expect([first.status, first.body.toString()]).toEqual([status, 'no'])
        expect((await deliver({ key: 'k' })).body.toString()).toBe('yes')
        expect(isReplay(await deliver({ key: 'k' }))).toBe(true)
        expect(runs.map(({ attempt }) => attempt.number)).toEqual([1, 2])
      })
    }

    test('a handler that never answers: 504 at the lock TTL, and the key is usable again', async () => {
      const { deliver, runs } = await start(run => (run.number === 1 ? new Promise(() => {}) : ok(run)), {
        lockTtlMs: 60,
      })
      expect((await deliver({ key: 'k' })).status).toBe(504)
      expect(runs[0].attempt.signal.aborted).toBe(true)
      expect((await deliver({ key: 'k' })).body.toString()).toBe('{"run":2}')
    })

    test('a handler that answers after its 504 harms nobody, and its answer is kept for the retry', async () => {
      const answering = gate()
      const { deliver, runs, receiver } = await start(
        async run => {
          await answering.opened
          return ok(run)
        },
        { lockTtlMs: 60 },
      )
      expect((await deliver({ key: 'k' })).status).toBe(504)
      answering.open()
      await receiver.settled()
      const second = await deliver({ key: 'k' })
      expect([second.body.toString(), isReplay(second), runs.length]).toEqual(['{"run":1}', true, 1])
    })
  })

  describe('a sender that disconnects while the handler works', () => {
    for (const way of adapter.ways) {
      test(`gets the recorded answer when it comes again: ${way.name}`, async () => {
        const { receiver } = receiverOver()
        const answering = gate()
        let runs = 0
        const before = async () => {
          runs++
          await answering.opened
          return false
        }
        const { port, sockets } = await listen(way.listener(receiver, before))
        const { req } = open(port, { key: 'k' })
        req.end('{}')
        await eventually(() => runs)
        req.destroy()
        await eventually(() => sockets[0].closed)
        for (let i = 0; i < 3; i++) await turn()
        answering.open()
        await receiver.settled()
        const retry = await deliver(port, { key: 'k', body: '{}' })
        expect([retry.body.toString(), isReplay(retry), runs]).toEqual([way.body, true, 1])
      })
    }
  })

  describe('a reused key with another body', () => {
    const attack: Delivering = { key: 'k', body: '{"event":"other"}' }

    test('is 422 while the first runs, and after, and the honest retry still gets its answer', async () => {
      const answering = gate()
      const { deliver, runs } = await start(async run => {
        await answering.opened
        return ok(run)
      })
      const first = deliver({ key: 'k' })
      await eventually(() => runs.length)
      const during = await deliver(attack)
      answering.open()
      await first
      const after = await deliver(attack)
      const honest = await deliver({ key: 'k' })
      expect([during.status, after.status, honest.status]).toEqual([422, 422, 200])
      expect([isReplay(honest), honest.body.toString(), runs.length]).toEqual([true, '{"run":1}', 1])
    })

    test('is 422 after a failed run, and the honest retry runs', async () => {
      const { deliver, runs } = await start(run => (run.number === 1 ? { status: 500 } : ok(run)))
      await deliver({ key: 'k' })
      expect((await deliver(attack)).status).toBe(422)
      expect((await deliver({ key: 'k' })).body.toString()).toBe('{"run":2}')
      expect(runs).toHaveLength(2)
    })

    test('is another body when only the order of its JSON keys differs: raw bytes count', async () => {
      const { deliver } = await start()
      await deliver({ key: 'k', body: '{"a":1,"b":2}' })
      expect((await deliver({ key: 'k', body: '{"b":2,"a":1}' })).status).toBe(422)
    })
  })

  describe('keys', () => {
    test('of one path never replay another path', async () => {
      const { deliver, runs } = await start()
      await deliver({ key: 'k', path: '/charge' })
      expect(isReplay(await deliver({ key: 'k', path: '/refund' }))).toBe(false)
      expect(runs).toHaveLength(2)
    })

    test('that differ keep identical bodies apart', async () => {
      const { deliver, runs } = await start()
      for (const key of ['one', 'two']) expect(isReplay(await deliver({ key }))).toBe(false)
      expect(runs).toHaveLength(2)
    })

    const bad: [why: string, headers: [string, string][]][] = [
      ['empty', [['x-idempotency-key', '']]],
      ['256 bytes long', [['x-idempotency-key', 'k'.repeat(256)]]],
      ['with a space', [['x-idempotency-key', 'a b']]],
      ['not ASCII', [['x-idempotency-key', 'clé']]],
      [
        'sent twice',
        [
          ['x-idempotency-key', 'a'],
          ['x-idempotency-key', 'b'],
        ],
      ],
      [
        'sent twice alike',
        [
          ['x-idempotency-key', 'a'],
          ['x-idempotency-key', 'a'],
        ],
      ],
      [
        'in two headers that disagree',
        [
          ['x-idempotency-key', 'a'],
          ['idempotency-key', 'b'],
        ],
      ],
    ]
    for (const [why, headers] of bad) {
      test(`${why}: 400, the handler is not run`, async () => {
        const { deliver, runs } = await start()
        const answer = await deliver({ headers })
        expect([answer.status, answer.header('content-type')]).toEqual([400, 'application/problem+json'])
        expect(runs).toHaveLength(0)
      })
    }

    test('of 255 bytes are good', async () => {
      const { deliver } = await start()
      expect((await deliver({ key: 'k'.repeat(255) })).status).toBe(200)
    })

    test('left out: the handler runs every time and nothing claims to be a replay', async () => {
      const { deliver, runs } = await start()
      for (let i = 0; i < 2; i++) expect(isReplay(await deliver())).toBe(false)
      expect(runs.map(({ attempt }) => attempt.key)).toEqual([null, null])
    })
  })

  describe('what a sender sends', () => {
    test('cannot pass for a replay or for the receiver', async () => {
      const marks: [string, string][] = [
        ['x-cached', 'true'],
        ['x-hit', 'true'],
        ['x-hookonce-attempt', '7'],
        ['idempotent-replayed', 'true'],
      ]
      const { deliver, runs } = await start()
      const first = await deliver({ key: 'k', headers: marks })
      expect([isReplay(first), runs.length, runs[0].attempt.number]).toEqual([false, 1, 1])
    })

    test('stays out of the store: no request header, no body', async () => {
      const { deliver, store, receiver } = await start(() => ({ body: 'fine' }))
      await deliver({ key: 'k', headers: [['authorization', 'Bearer s3cret']], body: '{"card":"4242"}' })
      const { records } = await store.list({ limit: 10 })
      const { result, ...record } = (await store.get({ scope: source, key: 'k' }))!
      const kept = JSON.stringify([records, record]) + Buffer.from(result!).toString('latin1')
      expect(kept).toContain('fine')
      expect(kept).not.toMatch(/s3cret|authorization|4242/i)
      expect((await receiver.record(source, 'k'))!.response!.body.toString()).toBe('fine')
    })

    test('is 413 over the limit, announced by its length: not read, not run', async () => {
      const served = await start()
      await refused(served, [['content-length', String(64 * MIB)]])
    })

    test('is 413 over the limit in chunks of unknown length: reading stops, not run', async () => {
      const served = await start()
      await refused(served, [['transfer-encoding', 'chunked']])
    })

    test('of exactly the limit is accepted', async () => {
      const { deliver } = await start(ok, { maxBodyBytes: 1_000 })
      expect((await deliver({ body: 'x'.repeat(1_000), headers: [['content-type', 'text/plain']] })).status).toBe(200)
      expect((await deliver({ body: 'x'.repeat(1_001), headers: [['content-type', 'text/plain']] })).status).toBe(413)
    })
  })

  test('a store that is down: 503 with Retry-After, the handler is not run', async () => {
    const store = storeWith(() => ({
      claim: async () => {
        throw new StoreError('down', 'refused')
      },
    }))
    const { deliver, runs } = await start(ok, { store, storeTimeoutMs: 100 })
    const answer = await deliver({ key: 'k' })
    expect([answer.status, runs.length]).toEqual([503, 0])
    expect(Number(answer.header('retry-after'))).toBeGreaterThan(0)
  })
}

/** Sends up to 64 MiB, as fast as they are taken, and expects to be stopped long before. */
async function refused({ port, sockets, runs }: Served, headers: [string, string][]): Promise<void> {
  const { req, response } = open(port, { key: 'k', headers })
  let answered = false
  const answer = response.finally(() => {
    answered = true
  })
  const chunk = Buffer.alloc(65_536)
  for (let sent = 0; sent < 64 * MIB && !answered; sent += chunk.length) {
    if (!req.write(chunk)) await Promise.race([once(req, 'drain'), answer])
    else await turn()
  }
  const { status, header } = await answer
  expect([status, header('connection'), runs.length]).toEqual([413, 'close', 0])
  expect(sockets[0].bytesRead).toBeLessThan(8 * MIB)
  req.destroy()
}

const isReplay = (answer: Received): boolean => answer.header('x-cached') === 'true'

const counted =
  (count: () => void = () => {}): Before =>
  async () => {
    count()
    return false
  }

async function* chunks(chunk: Uint8Array, times: number) {
  for (let i = 0; i < times; i++) yield chunk
}
