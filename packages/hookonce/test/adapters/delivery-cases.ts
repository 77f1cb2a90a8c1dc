import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import type { ReceiverOptions } from 'hookonce'
import { bearer } from 'hookonce/senders/bearer'
import { describe, expect, test } from 'vitest'
import {
  type Adapter,
  type Delivering,
  eventually,
  gate,
  type Handle,
  isReplay,
  ok,
  open,
  type Served,
  serve,
} from './harness.js'

const MIB = 1_048_576
const source = 'webhook'

/** What is made of what senders send. */
export function deliveryCases(adapter: Adapter): void {
  const start = (handle: Handle = ok, options?: Partial<ReceiverOptions>) => serve(adapter, handle, options)

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
    test('of a source are its own however the path is spelled', async () => {
      const { deliver, runs } = await start()
      const spelled = ['/webhook', '/webhook/', '/WEBHOOK', '/%77ebhook', '//webhook', '/webhook?x=1', '/webhook/.']
      for (const path of spelled) await deliver({ key: 'k', path })
      expect(runs).toHaveLength(1)
    })

    test('that differ keep identical bodies apart', async () => {
      const { deliver, runs } = await start()
      for (const key of ['one', 'two']) expect(isReplay(await deliver({ key }))).toBe(false)
      expect(runs).toHaveLength(2)
    })

    const twice: [why: string, headers: [string, string][]][] = [
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
    ]
    const bad: typeof twice = [
      ...(adapter.limits?.includes('one value a request header') ? [] : twice),
      ['empty', [['x-idempotency-key', '']]],
      ['256 bytes long', [['x-idempotency-key', 'k'.repeat(256)]]],
      ['with a space', [['x-idempotency-key', 'a b']]],
      ['not ASCII', [['x-idempotency-key', 'clé']]],
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
      await deliver({ key: 'k', headers: [['authorization', 'Bearer s3cret']], body: '{"card":"4242-4242-4242-4242"}' })
      const { records } = await store.list({ limit: 10 })
      const { result, ...record } = (await store.get({ scope: source, key: 'k' }))!
      const kept = JSON.stringify([records, record]) + Buffer.from(result!).toString('latin1')
      expect(kept).toContain('fine')
      expect(kept).not.toMatch(/s3cret|authorization|4242-4242-4242-4242/i)
      expect((await receiver.record(source, 'k'))!.response!.body.toString()).toBe('fine')
    })

    test('is 431 with more than 200 header fields: some may have been lost on the way; not run', async () => {
      const { deliver, runs } = await start()
      const fields = (count: number) =>
        Array.from({ length: count }, (_, i): [string, string] => [`x-hookonce-${i}`, ''])
      for (const count of [200, 1_100]) {
        expect((await deliver({ key: 'k', headers: fields(count) })).status).toBe(431)
      }
      expect(runs).toHaveLength(0)
      expect((await deliver({ key: 'k', headers: fields(190) })).status).toBe(200)
    })

    test('of exactly the limit is accepted', async () => {
      const { deliver } = await start(ok, { maxBodyBytes: 1_000 })
      expect((await deliver({ body: 'x'.repeat(1_000), headers: [['content-type', 'text/plain']] })).status).toBe(200)
      expect((await deliver({ body: 'x'.repeat(1_001), headers: [['content-type', 'text/plain']] })).status).toBe(413)
    })
  })

  if (adapter.limits?.includes('whole requests')) return

  describe('a body that need not be read', () => {
    test('is 413 over the limit, announced by its length: not read, not run', async () => {
      const served = await start()
      await refused(served, ['content-length', String(64 * MIB)], 0)
    })

    test('is 413 over the limit in chunks of unknown length: reading stops, not run', async () => {
      const served = await start()
      await refused(served, ['transfer-encoding', 'chunked'], 64 * MIB)
    })

    test('is 401 before the body is read where a wrong token stands in a header', async () => {
      const { port, runs } = await start(ok, { sender: bearer({ tokens: ['token-of-the-sender-0123456789'] }) })
      for (const length of [100, MIB]) {
        const { req, response } = open(port, {
          headers: [
            ['content-length', String(length)],
            ['authorization', 'Bearer no'],
          ],
        })
        req.flushHeaders()
        expect((await response).status).toBe(401)
        req.destroy()
      }
      expect(runs).toHaveLength(0)
    })
  })
}

/** Sends `bytes`, as fast as they are taken, and expects to be stopped long before. */
async function refused({ port, sockets, runs }: Served, framing: [string, string], bytes: number): Promise<void> {
  const { req, response } = open(port, { key: 'k', headers: [['connection', 'keep-alive'], framing] })
  req.flushHeaders()
  let answered = false
  const answer = response.finally(() => {
    answered = true
  })
  const chunk = Buffer.alloc(65_536)
  for (let sent = 0; sent < bytes && !answered; sent += chunk.length) {
    if (!req.write(chunk)) await Promise.race([once(req, 'drain'), answer])
    else await turn()
  }
  const { status, header } = await answer
  expect([status, header('connection'), runs.length]).toEqual([413, 'close', 0])
  expect(sockets[0].bytesRead).toBeLessThan(8 * MIB)
  req.destroy()
}
