import type { Journal, NewEntry } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import { ManualClock } from 'hookonce/testing'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Figures, stepCountsIn } from '../../src/journal/figures.js'
import { STEPS } from '../../src/journal/steps.js'
import { JournalWriter } from '../../src/journal/writer.js'

const MINUTE = 60_000
const [MINUTES, TENS, HOURS] = STEPS

function start(clock = new ManualClock()) {
  const journal = memoryJournal({ clock })
  const calls: NewEntry[][] = []
  const counting: Journal = {
    ...journal,
    async write(entries) {
      calls.push([...entries])
      await journal.write(entries)
    },
  }
  const writer = new JournalWriter(counting, pino({ level: 'silent' }))
  const figures = new Figures('p', writer, clock)
  const written = async (step: (typeof STEPS)[number]) => {
    await writer.flushed()
    const entries = await journal.read(step.list, { limit: 1000 })
    return entries.map(entry => {
      const { at, process, sources } = stepCountsIn(entry)
      return [(at - Date.UTC(2030, 0)) / MINUTE, process, sources.get('shop')?.outcomes.executed]
    })
  }
  const count = (times: number) => {
    for (let i = 0; i < times; i++) figures.answered('shop', 'executed', 1, clock.now())
  }
  return { clock, figures, count, written, calls, writer }
}

test('the present minute is shared as far as it has come, with what was written of it', async () => {
  const { figures, count, written, calls } = start()
  figures.shareMinute()
  expect(await written(MINUTES)).toEqual([])
  count(2)
  figures.shareMinute()
  expect(await written(MINUTES)).toEqual([[0, 'p', 2]])
  figures.closeMinute()
  expect(await written(TENS)).toEqual([[0, 'p', 2]])
  count(3)
  figures.shareMinute()
  expect(await written(MINUTES)).toEqual([[0, 'p', 5]])
  expect(await written(TENS)).toEqual([[0, 'p', 2]])
  expect(calls.at(-1)!.map(({ list }) => list)).toEqual([MINUTES.list])
  figures.closeMinute()
  expect(await written(MINUTES)).toEqual([[0, 'p', 5]])
})

test('a minute is written when it is over, with the longer steps that it belongs to, in one write', async () => {
  const { clock, count, written, calls } = start()
  count(2)
  expect(await written(MINUTES)).toEqual([])
  await clock.advance(MINUTE)
  expect(await written(MINUTES)).toEqual([[0, 'p', 2]])
  expect(calls.map(entries => entries.map(({ list }) => list))).toEqual([STEPS.map(({ list }) => list)])
  count(3)
  await clock.advance(10 * MINUTE)
  expect(await written(MINUTES)).toEqual([
    [1, 'p', 3],
    [0, 'p', 2],
  ])
  expect(await written(TENS)).toEqual([[0, 'p', 5]])
  count(4)
  await clock.advance(MINUTE)
  expect(await written(TENS)).toEqual([
    [10, 'p', 4],
    [0, 'p', 5],
  ])
  expect(await written(HOURS)).toEqual([[0, 'p', 9]])
  expect(calls).toHaveLength(3)
})

test('minutes without anything write nothing', async () => {
  const { clock, count, writer, calls } = start()
  count(1)
  await clock.advance(60 * MINUTE)
  await writer.flushed()
  expect(calls).toHaveLength(1)
})

test('a minute that is closed before it is over goes on', async () => {
  const { clock, figures, count, written } = start()
  count(1)
  figures.closeMinute()
  expect(await written(MINUTES)).toEqual([[0, 'p', 1]])
  count(1)
  await clock.advance(MINUTE)
  expect(await written(MINUTES)).toEqual([[0, 'p', 2]])
})

test('a clock that steps back takes nothing from what is written', async () => {
  const { clock, figures, count, written } = start()
  await clock.advance(MINUTE)
  count(5)
  figures.closeMinute()
  figures.answered('shop', 'executed', 1, clock.now() - 1)
  figures.closeMinute()
  expect(await written(MINUTES)).toEqual([[1, 'p', 6]])
  expect(await written(TENS)).toEqual([[0, 'p', 6]])
})

test('the last steps are known before they are written', async () => {
  const { clock, figures, count } = start()
  count(1)
  await clock.advance(MINUTE)
  count(2)
  figures.attemptEnded('shop', 'threw', clock.now())
  const last = figures.lastOf(TENS).map(({ at, sources }) => [at - Date.UTC(2030, 0), sources.get('shop')])
  expect(last).toMatchObject([
    [0, { outcomes: { executed: 1 } }],
    [0, { outcomes: { executed: 2 }, attempts: { threw: 1 } }],
  ])
})
