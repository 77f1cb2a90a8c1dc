import fc from 'fast-check'
import { memoryStore } from 'hookonce/stores/memory'
import { test } from 'vitest'
import { anyDuration, assertAgrees, commands, fakeTime, instantOrHour, realTime } from '../model.js'

test('the memory store agrees with the model over any durations, to the millisecond', async () => {
  await fc.assert(
    fc.asyncProperty(commands(anyDuration), async sequence => {
      const clock = {
        time: 1_700_000_000_000,
        now: () => clock.time,
        monotonic: () => clock.time,
        after: () => () => {},
      }
      await assertAgrees(memoryStore({ clock }), sequence, fakeTime(clock))
    }),
    { numRuns: 3000 },
  )
})

test('the memory store agrees with the model on the real clock', async () => {
  const store = memoryStore()
  await fc.assert(
    fc.asyncProperty(commands(instantOrHour), sequence => assertAgrees(store, sequence, realTime(store))),
    { numRuns: 50 },
  )
})
