/** A receiver with an inbox: each event is accepted, and its handler run. */
import { createInbox, createReceiver } from 'hookonce'
import { openStore } from '../open-store.mjs'
import { AT_ONCE, answer, countdown, newEvent, timesAtOnce } from './load.mjs'

const processed = countdown()
let source

answer({
  open: async given => {
    const receiver = createReceiver({ store: await openStore(given) })
    const handlers = { orders: { handler: async () => processed.done(), concurrency: AT_ONCE } }
    const inbox = createInbox({ receiver, handlers, concurrency: AT_ONCE })
    source = inbox.source('orders')
    inbox.start()
  },
  events: async times => {
    const all = processed.wait(times)
    await timesAtOnce(times, () => source.receive(newEvent().delivery))
    await all
  },
})
