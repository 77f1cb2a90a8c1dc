import { Breaker } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import { ManualClock } from 'hookonce/testing'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { Figures } from '../../src/journal/figures.js'
import { Heartbeat, listProcesses, listsAllBreakers, trippedIn } from '../../src/journal/heartbeat.js'
import { JournalWriter } from '../../src/journal/writer.js'

const clock = new ManualClock()
const journal = memoryJournal({ clock })

async function start(name: string, breakers = new Map<string, Breaker>()) {
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
    ...{ breakers, journal, journalWriter, clock },
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

test('it says which of its circuit breakers are not closed, within a second, a hundred at most', async () => {
  const down = new Breaker(clock)
  for (let i = 0; i < 5; i++) down.ended('absent')
  const downSince = clock.now()
  const { written } = await start(
    'three',
    new Map([
      ['well', new Breaker(clock)],
      ['down', down],
    ]),
  )
  const listed = async () => (await listProcesses(journal, clock.now())).find(({ id }) => id === 'three')!
  expect(await listed()).toMatchObject({ trippedBreakers: [{ source: 'down', state: 'open', since: downSince }] })
  expect(listsAllBreakers(await listed())).toBe(true)
  await clock.advance(15_000)
  await written()
  expect((await listed()).trippedBreakers).toEqual([{ source: 'down', state: 'half_open', since: downSince }])
  down.ended('there')
  await clock.advance(1_000)
  await written()
  expect((await listed()).trippedBreakers).toEqual([])

  for (let i = 0; i < 5; i++) down.ended('absent')
  const many = trippedIn(new Map(Array.from({ length: 120 }, (_, i) => [`source ${i}`, down])))
  expect(many).toHaveLength(100)
  expect([listsAllBreakers({ trippedBreakers: many }), listsAllBreakers({})]).toEqual([false, false])
})
