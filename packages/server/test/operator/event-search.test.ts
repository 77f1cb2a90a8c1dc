import fc from 'fast-check'
import type { Journal, Receiver, StoredRecord } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import { expect, test } from 'vitest'
import { eventListOf, SPAN_MS } from '../../src/journal/event-index.js'
import { type EventFilter, findEvents } from '../../src/operator/event-search.js'

const SOURCES = ['a', 'b', 'c']
const START = Date.UTC(2030, 0, 1)

interface Event {
  source: string
  key: string
  at: number
  type: string
}

/** Every record exists. */
const receiver = {
  record: async (scope: string, key: string) =>
    ({ scope, key, createdAt: 0, state: 'completed', history: [] }) as unknown as StoredRecord,
} as unknown as Receiver

/** As processes write them: those of one entry began within the span. */
async function write(journal: Journal, events: Event[], chunkOf: (event: Event) => string): Promise<void> {
  const chunks = new Map<string, Event[]>()
  for (const event of events) {
    const id = `${event.source} ${chunkOf(event)} ${Math.floor(event.at / SPAN_MS)}`
    chunks.set(id, [...(chunks.get(id) ?? []), event])
  }
  const entries = [...chunks].map(([id, chunk]) => ({
    list: eventListOf(chunk[0]!.source),
    id,
    at: Math.max(...chunk.map(({ at }) => at)),
    keepMs: 1e9,
    value: Buffer.from(JSON.stringify(chunk.map(({ at, key, type }) => [at, key, type, [`t-${key}`]]))),
  }))
  if (entries.length > 0) await journal.write(entries)
}

async function allPages(journal: Journal, filter: EventFilter, limit: number, range = {}): Promise<string[]> {
  const found: string[] = []
  let after: string | undefined
  do {
    const page = await findEvents({ receiver, journal }, SOURCES, filter, { limit, after, ...range })
    expect(page.records.length).toBeLessThanOrEqual(limit)
    found.push(...page.records.map(({ scope, key }) => `${scope} ${key}`))
    after = page.next
  } while (after !== undefined)
  return found
}

const EVENTS = fc.array(
  fc.record({
    source: fc.constantFrom(...SOURCES),
    process: fc.nat({ max: 3 }),
    // Some of them at one time, some within the span of an entry, some far apart.
    after: fc.oneof(fc.constant(0), fc.nat({ max: 40 }), fc.nat({ max: 3 * SPAN_MS })),
    type: fc.constantFrom('invoice.paid', 'invoice.failed', 'push'),
  }),
  { maxLength: 300, size: 'max' },
)

test('the pages have each event once, newest first, whatever wrote them', async () => {
  const property = fc.asyncProperty(EVENTS, fc.integer({ min: 1, max: 80 }), async (given, limit) => {
    const processes = new Map<string, number>()
    let at = START
    const events = given.map(({ source, process, after, type }, i) => {
      at += after
      processes.set(`k${i}`, process)
      return { source, key: `k${i}`, at, type }
    })
    const journal = memoryJournal()
    await write(journal, events, ({ key }) => String(processes.get(key)))
    const order = (some: Event[]) =>
      some
        .toSorted((a, b) => b.at - a.at || (`${a.source} ${a.key}` < `${b.source} ${b.key}` ? 1 : -1))
        .map(({ source, key }) => `${source} ${key}`)
    expect(await allPages(journal, {}, limit)).toEqual(order(events))
    const invoices = events.filter(({ type }) => type.startsWith('invoice.'))
    expect(await allPages(journal, { type: 'invoice.' }, limit)).toEqual(order(invoices))
    const [since, until] = [events[Math.floor(events.length / 4)]?.at, events[Math.floor(events.length / 2)]?.at]
    const within = events.filter(({ at }) => at >= (since ?? 0) && at < (until ?? at + 1))
    expect(await allPages(journal, {}, limit, { since, until })).toEqual(order(within))
  })
  await fc.assert(property, { numRuns: 60 })
})

test('an event whose first attempt was lost stands where the second began, once', async () => {
  const lost = { number: 1, outcome: 'lost' }
  const records = new Map<string, unknown>([
    ['taken-over', { history: [lost, { number: 2, outcome: 'recorded' }], attempts: 2 }],
    [
      'failed-once',
      {
        history: [
          { number: 1, outcome: 500 },
          { number: 2, outcome: 'recorded' },
        ],
        attempts: 2,
      },
    ],
  ])
  const known = {
    record: async (scope: string, key: string) => ({ scope, key, createdAt: START, ...(records.get(key) as object) }),
  } as unknown as Receiver
  const journal = memoryJournal()
  const events = [
    [START, 'taken-over', 'first', []],
    [START + 1, 'failed-once', 'first', []],
    [START + 2, 'taken-over', 'second', [], 2],
    [START + 3, 'failed-once', 'second', [], 2],
  ]
  await journal.write([
    { list: eventListOf('a'), id: '1', at: START + 3, keepMs: 1e9, value: Buffer.from(JSON.stringify(events)) },
  ])
  const { records: found } = await findEvents({ receiver: known, journal }, ['a'], {}, { limit: 10 })
  expect(found.map(({ key, eventType }) => [key, eventType])).toEqual([
    ['taken-over', 'second'],
    ['failed-once', 'first'],
  ])
})
