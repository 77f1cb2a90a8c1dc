import type { Journal, NewEntry } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.js'
import { Duplicates, readDuplicates } from '../../src/journal/duplicates.js'
import { temporaryFolder } from '../support/server.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const { sources } = await resolveConfig({ env: { HOOKONCE_STORE_URL: 'memory:' }, folder: temporaryFolder() })

/** A journal that counts the writes, and the entries of each; it fails while it is `away`. */
function journalOf(journal = memoryJournal()) {
  const writes: (readonly NewEntry[])[] = []
  const state = { away: false, reads: 0 }
  const counting: Journal = {
    ...journal,
    async write(entries) {
      writes.push(entries)
      if (state.away) throw new Error('the store is away')
      await journal.write(entries)
    },
    async find(list, id) {
      state.reads++
      return journal.find(list, id)
    },
  }
  return Object.assign(state, { journal: counting, writes })
}

const lines: string[] = []
const log = pino({}, { write: (line: string) => void lines.push(line) })
const counterOf = (journal: Journal) => new Duplicates(journal, sources, log)

const countOf = (journal: Journal, key = 'k') => readDuplicates(journal, { scope: 'default', key, createdAt: 0 })

const second = () => vi.advanceTimersByTimeAsync(1_000)

const times = (count: number, add: (i: number) => void) => {
  for (let i = 0; i < count; i++) add(i)
}

test('a thousand duplicates of a key within a second are one write', async () => {
  const { journal, writes } = journalOf()
  const duplicates = counterOf(journal)
  times(1_000, i => duplicates.add('default', 'k', i))
  expect(writes).toHaveLength(0)
  await second()
  expect(writes.map(entries => entries.length)).toEqual([1])
  expect(await countOf(journal)).toEqual({ count: 1_000, first: 0, last: 999, isAtLeast: false })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(writes).toHaveLength(1)
  times(1_000, i => duplicates.add('default', 'k', 1_000 + i))
  await second()
  expect(writes).toHaveLength(2)
  expect(await countOf(journal)).toEqual({ count: 2_000, first: 0, last: 1_999, isAtLeast: false })
})

test('the counts of processes add up, of one record only', async () => {
  const { journal } = journalOf()
  for (const [source, key] of [
    ['default', 'k'],
    ['default', 'kk'],
    ['defaultk', 'k'],
  ] as const) {
    for (const at of [10, 20])
      new Duplicates(journal, new Map([[source, sources.get('default')!]]), log).add(source, key, at)
  }
  await second()
  expect(await countOf(journal)).toEqual({ count: 2, first: 10, last: 20, isAtLeast: false })
})

test('a record without duplicates has none', async () => {
  expect(await countOf(memoryJournal())).toEqual({ count: 0, first: null, last: null, isAtLeast: false })
})

test('of many records a hundred are written in a second, the longest waiting first', async () => {
  const { journal, writes } = journalOf()
  const duplicates = counterOf(journal)
  times(250, i => duplicates.add('default', `k${i}`, i))
  duplicates.add('default', 'k0', 999)
  await second()
  expect(writes.map(entries => entries.length)).toEqual([100])
  expect(await countOf(journal, 'k99')).toMatchObject({ count: 1 })
  expect(await countOf(journal, 'k100')).toMatchObject({ count: 0 })
  await second()
  await second()
  expect(writes.map(entries => entries.length)).toEqual([100, 100, 50])
  await vi.advanceTimersByTimeAsync(10_000)
  expect(writes).toHaveLength(3)
})

test('at the end all that waits is written at once', async () => {
  const { journal, writes } = journalOf()
  const duplicates = counterOf(journal)
  times(250, i => duplicates.add('default', `k${i}`, i))
  await duplicates.flushed()
  expect(writes.map(entries => entries.length)).toEqual([100, 100, 50])
})

test('what comes during a write is written with the next one', async () => {
  const store = memoryJournal()
  let finish = () => {}
  const journal: Journal = {
    ...store,
    async write(entries) {
      await new Promise<void>(resolve => {
        finish = resolve
      })
      await store.write(entries)
    },
  }
  const duplicates = counterOf(journal)
  duplicates.add('default', 'k', 1)
  await second()
  duplicates.add('default', 'k', 2)
  finish()
  await vi.advanceTimersByTimeAsync(0)
  expect(await countOf(journal)).toMatchObject({ count: 1, last: 1 })
  await second()
  finish()
  await vi.advanceTimersByTimeAsync(0)
  expect(await countOf(journal)).toMatchObject({ count: 2, last: 2 })
})

test('while the journal fails counts are kept and said once to be', async () => {
  const counting = journalOf()
  const duplicates = counterOf(counting.journal)
  lines.length = 0
  counting.away = true
  duplicates.add('default', 'k', 1)
  await second()
  await second()
  duplicates.add('default', 'k', 2)
  await duplicates.flushed()
  expect(lines).toHaveLength(1)
  counting.away = false
  await second()
  expect(await countOf(counting.journal)).toEqual({ count: 2, first: 1, last: 2, isAtLeast: false })
})

test('a counter that gave way to others goes on from what it wrote', async () => {
  const counting = journalOf()
  const { journal } = counting
  const duplicates = counterOf(journal)
  times(3, i => duplicates.add('default', 'k', i))
  await second()
  for (let i = 0; i < 10_000; i++) {
    duplicates.add('default', `other ${i}`, 5)
    if (i % 1_000 === 0) await duplicates.flushed()
  }
  await duplicates.flushed()
  counting.reads = 0
  times(2, () => duplicates.add('default', 'k', 9))
  await second()
  expect(counting.reads).toBe(1)
  expect(await countOf(journal)).toEqual({ count: 5, first: 0, last: 9, isAtLeast: false })
})

test('beyond ten thousand that wait the oldest are dropped, and their source says so', async () => {
  const counting = journalOf()
  const { journal } = counting
  const duplicates = counterOf(journal)
  counting.away = true
  times(10_001, i => duplicates.add('default', `k${i}`, i))
  counting.away = false
  await duplicates.flushed()
  expect(counting.writes.reduce((sum, entries) => sum + entries.length, 0)).toBe(10_000 + 1)
  expect(await countOf(journal, 'k0')).toEqual({ count: 0, first: null, last: null, isAtLeast: true })
  expect(await countOf(journal, 'k1')).toMatchObject({ count: 1, isAtLeast: true })
  const later = { scope: 'default', key: 'later', createdAt: 10_001 }
  expect(await readDuplicates(journal, later)).toMatchObject({ count: 0, isAtLeast: false })
  duplicates.add('default', 'k0', 20_000)
  await second()
  expect(await countOf(journal, 'k0')).toMatchObject({ count: 1, isAtLeast: true })
})
