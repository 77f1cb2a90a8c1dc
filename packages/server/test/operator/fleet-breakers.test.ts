import { Breaker, systemClock } from 'hookonce'
import { expect, test } from 'vitest'
import type { TrippedBreaker } from '../../src/journal/heartbeat.js'
import { fleetBreakers } from '../../src/operator/fleet-breakers.js'

const own = { process: 'me', breakers: new Map([['shop', new Breaker(systemClock)]]) }
const tripped = (state: TrippedBreaker['state'], since: number): TrippedBreaker => ({ source: 'shop', state, since })
const closed = { state: 'closed', since: null, processes: [] }

test('a source without a breaker has none, and one that all processes leave closed is closed', () => {
  const breakerOf = fleetBreakers([{ id: 'a', alive: true, trippedBreakers: [] }], own)
  expect(breakerOf('none')).toBeUndefined()
  expect(breakerOf('shop')).toEqual(closed)
})

test('the worst counts, since the earliest, with each process in which it is not closed', () => {
  const listed = [
    { id: 'a', alive: true, trippedBreakers: [tripped('half_open', 2)] },
    { id: 'b', alive: true, trippedBreakers: [tripped('open', 3)] },
    { id: 'c', alive: true, trippedBreakers: [] },
  ]
  expect(fleetBreakers(listed, own)('shop')).toEqual({ state: 'open', since: 2, processes: ['a', 'b'] })
})

test('of this process it is as it is now; one that is gone says nothing', () => {
  const listed = [
    { id: 'me', alive: true, trippedBreakers: [tripped('open', 1)] },
    { id: 'gone', alive: false, trippedBreakers: [tripped('open', 1)] },
  ]
  expect(fleetBreakers(listed, own)('shop')).toEqual(closed)
})

test('what a process does not say is not taken for closed', () => {
  const earlier = { id: 'of the release before', alive: true }
  const full = {
    id: 'full',
    alive: true,
    trippedBreakers: Array.from({ length: 100 }, () => ({ ...tripped('open', 1), source: 'other' })),
  }
  for (const silent of [earlier, full]) expect(fleetBreakers([silent], own)('shop')).toMatchObject({ state: null })
  const open = { id: 'b', alive: true, trippedBreakers: [tripped('open', 3)] }
  expect(fleetBreakers([earlier, open], own)('shop')).toEqual({ state: 'open', since: 3, processes: ['b'] })
})
