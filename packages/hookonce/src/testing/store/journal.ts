import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Journal,
  type JournalEntry,
  type JournalQuery,
  MAX_ENTRY_ID_BYTES,
  type NewEntry,
} from '../../stores/journal.js'
import type { Store } from '../../stores/store.js'
import { type Bench, behaviour, type StoreCase } from './harness.js'
import { HOUR } from './probe.js'

const journalOf = ({ journal }: Store): Journal => journal!

/** A list of its own, through one client. */
class List {
  readonly journal: Journal
  readonly name: string

  constructor({ probe }: Bench, name = 'list', journal = journalOf(probe.store)) {
    this.journal = journal
    this.name = `${probe.id.scope} ${name}`
  }

  entry(id: string, at: number, text = `${id} at ${at}`, keepMs = HOUR): NewEntry {
    return { list: this.name, id, at, value: Buffer.from(text), keepMs }
  }

  write(...entries: NewEntry[]): Promise<void> {
    return this.journal.write(entries)
  }

  read(query: Partial<JournalQuery> = {}): Promise<JournalEntry[]> {
    return this.journal.read(this.name, { limit: 1000, ...query })
  }

  async ids(query?: Partial<JournalQuery>): Promise<string[]> {
    return (await this.read(query)).map(({ id }) => id)
  }

  async textOf(id: string): Promise<string | undefined> {
    const entry = await this.journal.find(this.name, id)
    return entry && Buffer.from(entry.value).toString()
  }
}

const journalCase = (name: string, check: (bench: Bench) => Promise<void>) => behaviour(name, check, 'journal')

/** Ids and names that break wrong quoting, separators or lengths. */
const hostileIds = ['', ' ', ':', '0', "it's", 'a%b', '1\n2', '{0}', 'Ж', '🪝', 'x'.repeat(MAX_ENTRY_ID_BYTES)]

export const journalCases: readonly StoreCase[] = [
  journalCase('a journal lists entries newest first, and among those of one time by id', async bench => {
    const list = new List(bench)
    assert.deepEqual(await list.read(), [])
    await list.write(list.entry('b', 1000), list.entry('c', 3000), list.entry('a', 2000))
    await list.write(list.entry('e', 2000), list.entry('d', 2000))
    const entries = await list.read()
    assert.deepEqual(
      entries.map(({ id, at, value }) => [id, at, Buffer.from(value).toString()]),
      [
        ['c', 3000, 'c at 3000'],
        ['e', 2000, 'e at 2000'],
        ['d', 2000, 'd at 2000'],
        ['a', 2000, 'a at 2000'],
        ['b', 1000, 'b at 1000'],
      ],
    )
  }),

  journalCase('it is read in pages, each after the last entry of the one before', async bench => {
    const list = new List(bench)
    const times = [5, 5, 5, 4, 3, 3, 1].map((at, i) => ({ id: `id ${i}`, at }))
    await list.write(...times.map(({ id, at }) => list.entry(id, at)))
    const read: string[] = []
    for (let after: JournalEntry | undefined; ; ) {
      const page: JournalEntry[] = await list.read({ limit: 2, ...(after && { after }) })
      read.push(...page.map(({ id }) => id))
      if (page.length < 2) break
      after = page[1]
    }
    assert.deepEqual(read, ['id 2', 'id 1', 'id 0', 'id 3', 'id 5', 'id 4', 'id 6'])
  }),

  journalCase('it is read between two times, the first included', async bench => {
    const list = new List(bench)
    await list.write(...[10, 20, 30, 40].map(at => list.entry(`of ${at}`, at)))
    assert.deepEqual(await list.ids({ since: 20, until: 40 }), ['of 30', 'of 20'])
    assert.deepEqual(await list.ids({ since: 41 }), [])
    assert.deepEqual(await list.ids({ until: 20 }), ['of 10'])
    assert.deepEqual(await list.ids({ since: 20, after: { id: 'of 40', at: 40 } }), ['of 30', 'of 20'])
    assert.deepEqual(await list.ids({ until: 30, after: { id: 'of 40', at: 40 } }), ['of 20', 'of 10'])
  }),

  journalCase('an entry without a time has that of its write, by the store', async bench => {
    const list = new List(bench)
    const write = async (id: string) => {
      const { at: _, ...entry } = list.entry(id, 0)
      await list.write(entry)
      return (await list.journal.find(list.name, id))!.at
    }
    const first = await write('b')
    let last = first
    // The store's clock goes on.
    for (let i = 0; last <= first && i < 10_000; i++) last = await write('a')
    assert.ok(last > first && first > Date.UTC(2020, 0))
    assert.deepEqual(await list.ids(), ['a', 'b'])
  }),

  journalCase('an entry replaces the one with its id, its time included', async bench => {
    const list = new List(bench)
    await list.write(list.entry('a', 1, 'first'), list.entry('b', 2))
    await list.write(list.entry('a', 3, 'second'))
    assert.deepEqual(await list.ids(), ['a', 'b'])
    assert.equal(await list.textOf('a'), 'second')
    await list.write(list.entry('a', 5, 'third'), list.entry('a', 4, 'fourth'))
    assert.equal(await list.textOf('a'), 'fourth')
    assert.deepEqual(
      (await list.read()).map(({ at }) => at),
      [4, 2],
    )
  }),

  journalCase('lists share nothing', async bench => {
    const [one, two] = [new List(bench, 'one'), new List(bench, 'two')]
    await bench.probe.store.journal!.write([one.entry('a', 1, 'of one'), two.entry('a', 1, 'of two')])
    assert.deepEqual([await one.textOf('a'), await two.textOf('a')], ['of one', 'of two'])
    assert.equal(await one.journal.remove(one.name, 'a'), true)
    assert.deepEqual([await one.ids(), await two.ids()], [[], ['a']])
  }),

  journalCase('an entry is found and removed by its id', async bench => {
    const list = new List(bench)
    await list.write(list.entry('a', 7))
    const { id, at, value } = (await list.journal.find(list.name, 'a'))!
    assert.deepEqual([id, at, Buffer.from(value).toString()], ['a', 7, 'a at 7'])
    assert.equal(await list.journal.find(list.name, 'b'), undefined)
    assert.equal(await list.journal.remove(list.name, 'b'), false)
    assert.equal(await list.journal.remove(list.name, 'a'), true)
    assert.equal(await list.journal.remove(list.name, 'a'), false)
    assert.equal(await list.textOf('a'), undefined)
    await list.write(list.entry('a', 1, 'again'))
    assert.equal(await list.textOf('a'), 'again')
  }),

  journalCase('an entry is absent once it expired', async bench => {
    const list = new List(bench)
    await list.write(list.entry('short', 2, 'short', 1), list.entry('other', 1, 'other', 1))
    const deadline = performance.now() + HOUR
    while ((await list.textOf('short')) !== undefined && performance.now() < deadline) await delay(5)
    assert.deepEqual(await list.read(), [])
    assert.equal(await list.journal.remove(list.name, 'short'), false)
    await list.write(list.entry('short', 3, 'again'))
    assert.deepEqual(await list.ids(), ['short'])
  }),

  journalCase('trim leaves the newest entries', async bench => {
    const list = new List(bench)
    await list.write(...[3, 1, 4, 2, 5].map(at => list.entry(`of ${at}`, at)))
    assert.equal(await list.journal.trim(list.name, 3), 2)
    assert.deepEqual(await list.ids(), ['of 5', 'of 4', 'of 3'])
    assert.equal(await list.journal.trim(list.name, 3), 0)
    assert.equal(await list.journal.trim(list.name, 0), 3)
    assert.deepEqual(await list.ids(), [])
    assert.equal(await list.textOf('of 5'), undefined)
  }),

  journalCase('trim removes thousands of entries', async bench => {
    const list = new List(bench)
    for (let from = 0; from < 2500; from += 500) {
      await list.write(...Array.from({ length: 500 }, (_, i) => list.entry(`of ${from + i}`, from + i, '')))
    }
    assert.equal(await list.journal.trim(list.name, 10), 2490)
    assert.equal((await list.ids())[9], 'of 2490')
  }),

  journalCase('ids, names and values of any bytes come back as they are', async bench => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    for (const [i, id] of hostileIds.entries()) {
      const list = new List(bench, id.slice(0, 900))
      // A view of a larger buffer.
      const value = new Uint8Array([9, 9, ...bytes, 9]).subarray(2, 2 + (i === 0 ? 0 : 256))
      await list.write({ ...list.entry(id, i), value })
      const [read] = await list.read()
      const found = await list.journal.find(list.name, id)
      for (const entry of [read!, found!]) {
        assert.deepEqual([entry.id, entry.at, [...entry.value]], [id, i, [...value]])
      }
      assert.equal(await list.journal.trim(list.name, 0), 1)
    }
  }),

  journalCase('a caller may reuse the buffer of a value that was written', async bench => {
    const list = new List(bench)
    const entry = list.entry('a', 1, 'before')
    const written = list.write(entry)
    await written
    entry.value.fill(0)
    assert.equal(await list.textOf('a'), 'before')
    const found = await list.journal.find(list.name, 'a')
    found!.value.fill(0)
    assert.equal(await list.textOf('a'), 'before')
  }),

  journalCase('what one client writes others read at once, in any order of writes', async bench => {
    const others = await Promise.all([1, 2, 3].map(() => bench.another()))
    const lists = others.map(store => new List(bench, 'shared', journalOf(store)))
    await Promise.all(
      lists.map(list => list.write(...Array.from({ length: 20 }, (_, i) => list.entry(`shared ${i}`, i)))),
    )
    for (const list of lists) assert.equal((await list.read()).length, 20)
  }),
]
