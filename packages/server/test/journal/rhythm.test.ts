import type { DeliveryOutcome } from 'hookonce'
import { memoryJournal } from 'hookonce/stores/memory'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { Figures } from '../../src/journal/figures.js'
import { Rhythms } from '../../src/journal/rhythm.js'
import { JournalWriter } from '../../src/journal/writer.js'
import { DAY, every, HOUR, MINUTE, writePast } from '../support/past.js'

/** A Monday. */
const MONDAY = Date.UTC(2029, 11, 31)
/** What is known at `now` of a source that had deliveries at these times. */
async function rhythms(times: number[], now: number, outcome?: DeliveryOutcome) {
  const journal = memoryJournal()
  await writePast(journal, { source: 'shop', times, now, ...(outcome !== undefined && { outcome }) })
  const figures = new Figures('two', new JournalWriter(journal, pino({ level: 'silent' })))
  return { figures, rhythms: new Rhythms({ journal, figures }) }
}

async function silence(times: number[], now: number, outcome?: DeliveryOutcome) {
  return (await (await rhythms(times, now, outcome)).rhythms.read(now))('shop')
}

/** Every five minutes from 8 to 18 o'clock, Monday to Friday. */
const officeHours = (from: number, until: number) =>
  every(5 * MINUTE, from, until).filter(at => {
    const [day, hour] = [new Date(at).getUTCDay(), new Date(at).getUTCHours()]
    return day >= 1 && day <= 5 && hour >= 8 && hour < 18
  })

describe('a source that always has deliveries', () => {
  const until = MONDAY + 28 * DAY
  const times = every(MINUTE, MONDAY, until)

  test.each([
    [0, 'usual'],
    [30 * MINUTE, 'usual'],
    [31 * MINUTE, 'long'],
    [60 * MINUTE, 'long'],
    [61 * MINUTE, 'very_long'],
    [20 * DAY, 'very_long'],
  ])('is silent for %i ms: %s', async (silentMs, level) => {
    const told = await silence(times, until + silentMs)
    expect(told).toMatchObject({ silentMs, level, lastDeliveryAt: until })
    if (silentMs < DAY) expect(told.usualGapMs).toBe(10 * MINUTE)
  })

  test('one outage of a day, weeks ago, makes no silence usual', async () => {
    const withOutage = times.filter(at => at < until - 15 * DAY || at > until - 14 * DAY)
    expect(await silence(withOutage, until)).toMatchObject({ usualGapMs: 10 * MINUTE })
  })
})

test('a night and a weekend are usual where each is like that', async () => {
  const times = officeHours(MONDAY, MONDAY + 28 * DAY)
  const at = (day: number, hour: number) => {
    const now = MONDAY + day * DAY + hour * HOUR
    return silence(
      times.filter(at => at < now),
      now,
    )
  }
  for (const [day, hour] of [
    [22, 7],
    [26, 12],
    [27, 20],
  ] as const)
    expect((await at(day, hour)).level).toBe('usual')
  const late = await silence(times, MONDAY + 28 * DAY + 9 * DAY)
  expect(late.usualGapMs! / HOUR).toBeGreaterThanOrEqual(54)
  expect(late.level).toBe('long')
})

test('once a day is a rhythm too', async () => {
  const times = every(DAY, MONDAY, MONDAY + 28 * DAY)
  const last = times.at(-1)!
  expect(await silence(times, last + 2 * DAY)).toMatchObject({ usualGapMs: DAY, level: 'usual' })
  expect(await silence(times, last + 4 * DAY)).toMatchObject({ usualGapMs: DAY, level: 'long' })
})

test('too short a history, or too few deliveries, tells no rhythm', async () => {
  const young = every(MINUTE, MONDAY, MONDAY + DAY)
  const pausing = officeHours(MONDAY, MONDAY + 5 * DAY)
  expect(await silence(pausing, MONDAY + 7 * DAY)).toMatchObject({ usualGapMs: null, level: null })
  expect(await silence(young, MONDAY + DAY + 2 * HOUR)).toMatchObject({
    silentMs: 2 * HOUR,
    usualGapMs: null,
    level: null,
  })
  const rare = every(7 * DAY, MONDAY, MONDAY + 28 * DAY)
  expect(await silence(rare, MONDAY + 29 * DAY)).toMatchObject({ usualGapMs: null, level: null })
  const nothing = { lastDeliveryAt: null, silentMs: null, usualGapMs: null, level: null }
  expect(await silence([], MONDAY)).toEqual(nothing)
})

test('what is refused or a handshake is no delivery', async () => {
  for (const outcome of ['unauthorized', 'invalid', 'handshake'] as const) {
    expect((await silence([MONDAY], MONDAY, outcome)).lastDeliveryAt).toBeNull()
  }
  expect((await silence([MONDAY], MONDAY + MINUTE, 'failed')).lastDeliveryAt).toBe(MONDAY + MINUTE)
})

test('a delivery ends the silence at once, while the history is read once in five minutes', async () => {
  const until = MONDAY + 7 * DAY
  const { figures, rhythms: read } = await rhythms(every(MINUTE, MONDAY, until), until)
  const now = until + 2 * HOUR
  expect((await read.read(now))('shop')).toMatchObject({ level: 'very_long', silentMs: 2 * HOUR })
  figures.answered('shop', 'executed', 1, now + 1)
  expect((await read.read(now + 2))('shop')).toMatchObject({ level: 'usual', silentMs: 0, lastDeliveryAt: now + 2 })
  figures.closeMinute()
})
