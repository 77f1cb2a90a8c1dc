import { once } from 'node:events'
import type { ReceiverOptions } from 'hookonce'
import { describe, expect, test } from 'vitest'
import {
  type Adapter,
  chunks,
  counted,
  deliver,
  eventually,
  gate,
  type Handle,
  isReplay,
  listen,
  ok,
  open,
  type Received,
  receiverOver,
  repeated,
  serve,
  storeWith,
} from './harness.js'

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, value) => value))
const MIB = 1_048_576
const source = 'webhook'

/** What a duplicate gets, and what the first sender gets. */
export function replayCases(adapter: Adapter): void {
  const start = (handle: Handle = ok, options?: Partial<ReceiverOptions>) => serve(adapter, handle, options)

  describe('a duplicate gets the recorded answer', () => {
    for (const way of adapter.ways) {
      test(`byte for byte, however it was given: ${way.name}`, async () => {
        const { source } = receiverOver()
        let runs = 0
        const { port } = await listen(
          way.listener(
            source,
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

    if (adapter.limits?.includes('one value a response header')) return

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
        const { source } = receiverOver({ store })
        const { port, sockets } = await listen(way.listener(source, counted()))
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

    if (adapter.limits?.includes('whole responses')) return

    test('is not read faster than a slow sender takes it, and no further when the sender leaves', async () => {
      let produced = 0
      let stopped = false
      async function* endless() {
        try {
          while (produced < 128 * MIB) {
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
}
