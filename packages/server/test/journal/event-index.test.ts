import { Delivery } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { ResolvedSource } from '../../src/config/resolve.js'
import { EventIndex, eventListOf, eventsIn } from '../../src/journal/event-index.js'
import { JournalWriter } from '../../src/journal/writer.js'

test('the handlers of one source share an entry, however many are made', async () => {
  const journal = memoryJournal()
  const log = pino({ level: 'silent' })
  const writer = new JournalWriter(journal, log)
  const index = new EventIndex(writer, log)
  const source = { options: { name: 'shop', retentionMs: 60_000 } } as ResolvedSource
  for (const key of ['a', 'b', 'c']) {
    const handler = index.indexed(() => ({ status: 200, headers: [], body: new Uint8Array() }), source)
    const delivery = new Delivery({ method: 'POST', url: '/', headers: [], body: Buffer.from('{"type":"order.paid"}') })
    await handler(delivery, { key, number: 1 } as never)
  }
  index.flush()
  await writer.flushed()
  const entries = await journal.read(eventListOf('shop'), { limit: 10 })
  expect(entries.map(entry => eventsIn('shop', entry).map(({ key, type }) => [key, type]))).toEqual([
    [
      ['a', 'order.paid'],
      ['b', 'order.paid'],
      ['c', 'order.paid'],
    ],
  ])
})
