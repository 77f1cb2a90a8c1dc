import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  createInbox,
  createReceiver,
  Delivery,
  EVENTS_CHANNEL,
  type HookonceEvent,
  type ReceiverOptions,
  StoreError,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

const delivery = (key: string) =>
  new Delivery({ method: 'POST', url: '/', headers: [['idempotency-key', key]], body: Buffer.from('{}') })

const ok = { status: 200, headers: [], body: Buffer.from('done') }
const boom = () => {
  throw new Error('boom')
}

/** What the process was warned of. */
let warnings: (Error & { code?: string; detail?: string })[]
beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation(((message: string, options: object) => {
    warnings.push(Object.assign(new Error(message), options))
  }) as typeof process.emitWarning)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const sourceWith = (options: Partial<ReceiverOptions> = {}) =>
  createReceiver({ store: memoryStore(), ...options }).source({ name: 'orders' })

const failingStore = () =>
  Object.assign(memoryStore(), { claim: () => Promise.reject(new StoreError('the disk is full', 'refused')) })

describe('onEvent', () => {
  test('gets the events of its own receiver, without process warnings', async () => {
    const events: HookonceEvent[] = []
    const other: HookonceEvent[] = []
    const source = sourceWith({ onEvent: event => void events.push(event) })
    sourceWith({ onEvent: event => void other.push(event) })
    await source.receive(delivery('k'), boom)
    expect(events).toMatchObject([
      { type: 'handler_threw', scope: 'orders', key: 'k', attempt: 1, error: new Error('boom') },
    ])
    expect([other, warnings]).toEqual([[], []])
  })

  test.each<[string, () => unknown]>([
    ['throws', boom],
    ['rejects', async () => boom()],
  ])('that %s changes nothing and is told once', async (_, onEvent) => {
    const source = sourceWith({ onEvent: onEvent as () => void })
    for (let i = 0; i < 3; i++) expect((await source.receive(delivery('k'), boom)).status).toBe(500)
    expect(warnings.map(({ code, message }) => [code, message])).toEqual([
      ['HOOKONCE_ON_EVENT', 'onEvent failed: Error: boom'],
    ])
  })

  test('gets the events of an inbox: a store that does not accept, a dead delivery', async () => {
    const events: HookonceEvent[] = []
    const onEvent = (event: HookonceEvent) => void events.push(event)
    const accept = () => Promise.reject(new StoreError('the disk is full', 'refused'))
    const broken = createReceiver({ store: Object.assign(memoryStore(), { accept }), onEvent })
    const refused = createInbox({ receiver: broken, handlers: { orders: boom } }).source('orders')
    expect((await refused.receive(delivery('k'), () => ok)).status).toBe(503)

    const receiver = createReceiver({ store: memoryStore(), onEvent })
    const inbox = createInbox({ receiver, handlers: { orders: { handler: boom, retryDelaysMs: [] } } })
    inbox.start()
    await inbox.source('orders').receive(delivery('k'), () => ok)
    await vi.waitFor(() => expect(events).toHaveLength(3), 20_000)
    await inbox.stop()
    expect(events.map(({ type }) => type)).toEqual(['store_failed', 'handler_threw', 'delivery_died'])
  })
})

describe('without onEvent', () => {
  test('a handler’s error is reported with its stack and its causes', async () => {
    const source = sourceWith()
    await source.receive(delivery('k'), () => {
      throw new Error('boom', { cause: new TypeError('no such host') })
    })
    expect(warnings).toMatchObject([{ type: 'HookonceWarning', code: 'HOOKONCE_HANDLER_THREW' }])
    expect(warnings[0].message).toBe('source orders: the handler of attempt 1 threw Error: boom')
    expect(warnings[0].detail).toMatch(
      /^ +at .*on-event\.test\.ts.*\n[\s\S]*\ncaused by TypeError: no such host\n +at /,
    )
  })

  test('the first event of a type is a warning, further ones are counted once a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const source = sourceWith()
    for (let i = 0; i < 42; i++) await source.receive(delivery('k'), boom)
    await sourceWith({ store: failingStore() }).receive(delivery('k'), () => ok)
    const told = () => warnings.splice(0).map(({ message }) => message)
    expect(told()).toEqual([
      'source orders: the handler of attempt 1 threw Error: boom',
      'source orders: the store failed to claim: the disk is full',
    ])
    vi.advanceTimersByTime(60_000)
    expect(told()).toEqual(['…and 41 more of handler_threw in the last minute'])
    await source.receive(delivery('k'), boom)
    vi.advanceTimersByTime(60_000)
    expect(told()).toEqual(['…and 1 more of handler_threw in the last minute'])
    // A minute of quiet: what comes then is a first one again.
    vi.advanceTimersByTime(60_000)
    await source.receive(delivery('k'), boom)
    expect(told()).toEqual(['source orders: the handler of attempt 44 threw Error: boom'])
  })

  test('there is no warning while the channel has a subscriber', async () => {
    const events: unknown[] = []
    const hear = (event: unknown) => void events.push(event)
    subscribe(EVENTS_CHANNEL, hear)
    await sourceWith().receive(delivery('k'), boom)
    unsubscribe(EVENTS_CHANNEL, hear)
    expect([events.length, warnings.length]).toEqual([1, 0])
  })

  test('a warning shows no body, and its control characters are escaped', async () => {
    const source = sourceWith()
    const body = Buffer.from('hunter2')
    await source.receive(new Delivery({ method: 'POST', url: '/', headers: [], body }), each => each.json())
    await sourceWith().receive(delivery('k'), () => {
      throw new Error('a\u001b[2J\u009bb')
    })
    expect(warnings.map(({ message }) => message)).toEqual([
      'source orders: the handler of attempt 1 threw SyntaxError',
      'source orders: the handler of attempt 1 threw Error: a\\x1b[2J\\x9bb',
    ])
    expect(JSON.stringify(warnings.map(({ detail }) => detail))).not.toContain('hunter2')
  })

  test.each([
    [undefined, 'something that is no error (undefined)'],
    [null, 'something that is no error (object)'],
    ['a text', 'a text'],
    [Object.create(null), 'something that is no error (object)'],
  ])('a thrown %j is told as what it is', async (thrown, told) => {
    await sourceWith().receive(delivery('k'), () => {
      throw thrown
    })
    expect(warnings[0].message).toBe(`source orders: the handler of attempt 1 threw ${told}`)
  })
})
