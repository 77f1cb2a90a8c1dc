import { setImmediate as turn } from 'node:timers/promises'
import { type ReceiverOptions, StoreError } from 'hookonce'
import { describe, expect, test } from 'vitest'
import {
  type Adapter,
  deliver,
  eventually,
  gate,
  type Handle,
  isReplay,
  listen,
  ok,
  open,
  receiverOver,
  serve,
  storeWith,
} from './harness.js'

/** Failures of handlers, senders and stores. */
export function failureCases(adapter: Adapter): void {
  const start = (handle: Handle = ok, options?: Partial<ReceiverOptions>) => serve(adapter, handle, options)

  describe('a failure is never recorded and the retry succeeds', () => {
    for (const failure of adapter.failures) {
      test(failure.name, async () => {
        const { source } = receiverOver()
        let runs = 0
        const listener = failure.listener(source, async () => ++runs === 1)
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
      test(`a ${status} from the handler`, async () => {
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

    test('an answer after the 504 is recorded for the retry', async () => {
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
      test(`gets the recorded answer on its retry: ${way.name}`, async () => {
        const { receiver, source } = receiverOver()
        const answering = gate()
        let runs = 0
        const before = async () => {
          runs++
          await answering.opened
          return false
        }
        const { port, sockets } = await listen(way.listener(source, before))
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
