import type { Journal, NewEntry } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { JournalWriter } from '../../src/journal/writer.js'

function writerTo(journal: Journal) {
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  // biome-ignore lint/suspicious/noExplicitAny: lines of a log
  return { writer: new JournalWriter(journal, log), lines: (): any[] => lines.map(line => JSON.parse(line)) }
}

const entry = (id: string, at = 1, bytes = 1): NewEntry => ({
  ...{ list: 'list', id, at, keepMs: 3_600_000 },
  value: Buffer.alloc(bytes, id),
})

const idsOf = async (journal: Journal) => (await journal.read('list', { limit: 1000 })).map(({ id }) => id)

test('what is added is written without being waited for', async () => {
  const journal = memoryJournal()
  const { writer } = writerTo(journal)
  writer.add(entry('a'), 10)
  await expect.poll(() => idsOf(journal), { timeout: 30_000 }).toEqual(['a'])
})

test('what is written at once is there when its promise resolves, with all before it', async () => {
  const journal = memoryJournal()
  const { writer } = writerTo(journal)
  writer.add(entry('a'), 10)
  expect(await writer.write(entry('b'), 10)).toBe(true)
  expect(await idsOf(journal)).toEqual(['b', 'a'])
})

test('writes that come together are one, and a later one does not overtake', async () => {
  const calls: string[][] = []
  const journal = memoryJournal()
  const counting: Journal = {
    ...journal,
    async write(entries) {
      calls.push(entries.map(({ id }) => id))
      await journal.write(entries)
    },
  }
  const { writer } = writerTo(counting)
  await Promise.all(['a', 'b', 'c'].map(id => writer.write(entry(id), 10)))
  expect(calls).toEqual([['a', 'b', 'c']])
})

test('a write that comes as another one ends is not left waiting, in whatever order promises settle', async () => {
  const journal = memoryJournal()
  for (let ticks = 0; ticks < 20; ticks++) {
    const { writer } = writerTo(journal)
    const late = writer.write(entry('a'), 10).then(async () => {
      for (let tick = 0; tick < ticks; tick++) await undefined
      return writer.write(entry(`after ${ticks}`), 10)
    })
    // Much sooner than whatever else would have it written.
    expect([ticks, await Promise.race([late, new Promise(resolve => setTimeout(resolve, 5_000))])]).toEqual([
      ticks,
      true,
    ])
  }
})

test('a list keeps about as many as it may, the newest', async () => {
  const journal = memoryJournal()
  const { writer } = writerTo(journal)
  for (let at = 0; at < 300; at++) writer.add(entry(`of ${at}`, at), 100)
  await writer.flushed()
  const ids = await idsOf(journal)
  expect(ids[0]).toBe('of 299')
  expect(ids.length).toBeGreaterThanOrEqual(100)
  expect(ids.length).toBeLessThanOrEqual(111)
})

test('a journal that fails fails nobody: it is logged, and the next entries are written', async () => {
  const journal = memoryJournal()
  let isAway = true
  const { writer, lines } = writerTo({
    ...journal,
    write: async entries => {
      if (isAway) throw new Error('the store is away')
      await journal.write(entries)
    },
  })
  expect(await writer.write(entry('a'), 10)).toBe(false)
  isAway = false
  expect(await writer.write(entry('b'), 10)).toBe(true)
  expect(await idsOf(journal)).toEqual(['b'])
  expect(writer.lost).toBe(1)
  expect(lines()).toMatchObject([{ count: 1, msg: 'what operators could look at later was not kept' }])
})

test('a journal that hangs holds a bounded number of entries and bytes', async () => {
  const { writer, lines } = writerTo({ ...memoryJournal(), write: () => new Promise(() => {}) })
  for (let i = 0; i < 6000; i++) writer.add(entry(`${i}`), 10)
  expect(lines()).toHaveLength(1)
  expect(await writer.write(entry('late'), 10)).toBe(false)
  const { writer: other } = writerTo({ ...memoryJournal(), write: () => new Promise(() => {}) })
  for (let i = 0; i < 16; i++) other.add(entry(`${i}`, 1, 1024 ** 2), 10)
  expect(await other.write(entry('one more', 1, 1), 10)).toBe(false)
})
