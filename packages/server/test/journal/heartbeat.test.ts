import { memoryJournal } from 'hookonce/stores/memory'
import { ManualClock } from 'hookonce/testing'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { Figures } from '../../src/journal/figures.js'
import { Heartbeat, listProcesses } from '../../src/journal/heartbeat.js'
import { JournalWriter } from '../../src/journal/writer.js'

const clock = new ManualClock()
const journal = memoryJournal({ clock })

async function start(name: string) {
  const journalWriter = new JournalWriter(journal, pino({ level: 'silent' }))
  const heartbeat = new Heartbeat({
    figures: new Figures(name, journalWriter, clock),
    role: 'server',
    urls: ['http://127.0.0.1:8000', 'http://[::1]:8000'],
    inFlight: () => 3,
    running: () =>
      new Map([
        ['a', 1],
        ['b', 4],
      ]),
    ...{ journal, journalWriter, clock },
  })
  onTestFinished(() => heartbeat.stop())
  await journalWriter.flushed()
  return { heartbeat, written: () => journalWriter.flushed() }
}

test('a process says every 15 s that it lives, until it stops', async () => {
  const startedAt = clock.now()
  const { heartbeat, written } = await start('one')
  expect(await listProcesses(journal, clock.now())).toMatchObject([
    {
      ...{ id: 'one', alive: true, lastSeenAt: startedAt, startedAt, pid: process.pid, role: 'server' },
      ...{ url: 'http://127.0.0.1:8000', inFlight: 3, running: 5 },
    },
  ])
  await clock.advance(60_000)
  await written()
  expect(await listProcesses(journal, clock.now())).toMatchObject([{ lastSeenAt: startedAt + 60_000, startedAt }])
  await heartbeat.stop()
  expect(await listProcesses(journal, clock.now())).toEqual([])
})

test('one that is not seen any more is listed as such, for ten minutes', async () => {
  await start('two')
  const seenAt = clock.now()
  expect(await listProcesses(journal, seenAt + 44_999)).toMatchObject([{ id: 'two', alive: true }])
  expect(await listProcesses(journal, seenAt + 45_000)).toMatchObject([{ id: 'two', alive: false }])
})
