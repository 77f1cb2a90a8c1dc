import { type Answer, Delivery, problem } from 'hookonce'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DeliveryLog, type Received } from '../../src/deliveries/log.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const refused: Answer = problem('signature_invalid', { detail: 'why', outcome: 'unauthorized' })
const SHOWN = { logKeys: 'none', logFormat: 'json', logDeliveries: 0 } as const
const received = (delivery: Delivery): Received => {
  const { method, requestId } = delivery
  return { method, requestId, startedAt: 0, delivery }
}
const delivery = new Delivery({ method: 'POST', url: '/', headers: [], body: Buffer.alloc(0) })

test('refusals are logged at once, then every ten seconds with their number', () => {
  const lines: string[] = []
  const log = new DeliveryLog(
    'x',
    () => null,
    pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    SHOWN,
  )
  const counts = () => lines.map(line => JSON.parse(line).count)
  for (let i = 0; i < 100; i++) log.answered(received(delivery), refused)
  expect(counts()).toEqual([1])
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 30, source: 'x', reason: 'why' })
  vi.advanceTimersByTime(10_000)
  expect(counts()).toEqual([1, 99])
  log.answered(received(delivery), refused)
  expect(counts()).toEqual([1, 99])
  vi.advanceTimersByTime(10_000)
  expect(counts()).toEqual([1, 99, 1])
  vi.advanceTimersByTime(20_000)
  log.answered(received(delivery), refused)
  expect(counts()).toEqual([1, 99, 1, 1])
})

test('a refused handshake is logged like other refusals', () => {
  const lines: string[] = []
  const log = new DeliveryLog('x', () => null, pino({}, { write: (line: string) => void lines.push(line) }), SHOWN)
  const answer: Answer = { status: 403, headers: [], body: Buffer.from('Forbidden'), outcome: 'unauthorized' }
  const handshake = new Delivery({ method: 'GET', url: '/?hub.mode=subscribe', headers: [], body: Buffer.alloc(0) })
  for (let i = 0; i < 100; i++) log.answered(received(handshake), answer)
  expect(lines.map(line => JSON.parse(line))).toMatchObject([
    { level: 30, count: 1, reason: expect.stringContaining('verify token') },
  ])
})

test.each([
  [0, 0],
  [0.25, 25],
  [1, 100],
])('of deliveries that go well the share %d is logged, and of those that fail each', (logDeliveries, expected) => {
  const lines: string[] = []
  const out = pino({}, { write: (line: string) => void lines.push(line) })
  const log = new DeliveryLog('x', () => 'evt_1', out, { ...SHOWN, logKeys: 'plain', logDeliveries })
  const answer: Answer = { status: 200, headers: [], body: Buffer.alloc(0), outcome: 'replayed' }
  let next = 0
  vi.spyOn(Math, 'random').mockImplementation(() => (next++ % 100) / 100)
  for (let i = 0; i < 100; i++) log.answered(received(delivery), answer)
  expect(lines).toHaveLength(expected)
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({
      source: 'x',
      key: 'evt_1',
      status: 200,
      outcome: 'replayed',
      msg: 'delivery',
    })
  }
  for (let i = 0; i < 3; i++) log.answered(received(delivery), problem('handler_failed'))
  expect(lines).toHaveLength(expected + 3)
})
