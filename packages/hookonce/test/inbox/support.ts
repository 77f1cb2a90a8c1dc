import { channel } from 'node:diagnostics_channel'
import {
  createInbox,
  createReceiver,
  Delivery,
  EVENTS_CHANNEL,
  type HookonceEvent,
  type Inbox,
  type InboxHandler,
  type InboxSourceOptions,
  type InboxStore,
  type ReceiverOptions,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { afterEach, beforeEach } from 'vitest'
import { flush, ManualClock } from '../../dist/testing/manual-clock.js'

/** New for each test. */
export let clock: ManualClock
export let store: InboxStore
export let events: HookonceEvent[]
const collect = (event: unknown) => void events.push(event as HookonceEvent)
let inboxes: Inbox[] = []

beforeEach(() => {
  clock = new ManualClock()
  store = memoryStore({ clock })
  events = []
  inboxes = []
  channel(EVENTS_CHANNEL).subscribe(collect)
})
afterEach(async () => {
  channel(EVENTS_CHANNEL).unsubscribe(collect)
})

interface Options extends Partial<ReceiverOptions> {
  total?: number
}

/** An inbox of one process; it works from the start. */
export function inboxOf(
  handlers: Record<string, InboxHandler | InboxSourceOptions>,
  { total, ...options }: Options = {},
): Inbox {
  const receiver = createReceiver({ store, clock, ...options })
  const inbox = createInbox({ receiver, handlers, ...(total && { concurrency: total }) })
  inboxes.push(inbox)
  inbox.start()
  return inbox
}

export const deliver = (inbox: Inbox, key: string | undefined, body = '{}', source = 'orders') =>
  inbox.source(source).receive(
    new Delivery({
      method: 'POST',
      url: `/hooks/${source}`,
      headers: [
        ['content-type', 'application/json'],
        ...(key === undefined ? [] : [['x-idempotency-key', key] as const]),
      ],
      body: Buffer.from(body),
    }),
    () => {
      throw new Error('an inbox calls no handler of the adapter')
    },
  )

/** Lets everything happen that needs no time. */
export const settle = async () => {
  for (let round = 0; round < 5; round++) await flush()
}

export const recordOf = (key: string, scope = 'orders') => store.get({ scope, key })
