import { expect, test } from 'vitest'
import { flush } from '../../dist/testing/manual-clock.js'
import { ask, clock, controlled, engine, storeWith, textOf } from '../support/engine.js'

/** A store that pushes when it is told to. */
function pushing() {
  const watched: { wake: () => void; ended: boolean }[] = []
  const reads = { count: 0 }
  const store = storeWith({
    watch(_id, wake) {
      const one = { wake, ended: false }
      watched.push(one)
      return () => {
        one.ended = true
      }
    },
  })
  const { get } = store
  store.get = id => {
    reads.count++
    return get.call(store, id)
  }
  return { store, watched, reads }
}

test('a duplicate of what another process runs is answered as soon as the store pushes', async () => {
  const { runs, work } = controlled()
  ask(engine(), work)
  await flush()
  const { store, watched } = pushing()
  const duplicate = ask(engine({ store }), controlled().work)
  await flush()
  expect(watched).toHaveLength(1)
  runs[0]!.finish('pushed')
  await flush()
  expect(duplicate.outcome).toBeUndefined()
  watched[0]!.wake()
  await flush()
  expect(textOf(duplicate.outcome)).toBe('pushed')
  expect(watched[0]!.ended).toBe(true)
})

test('a push that comes while the record is read is not missed', async () => {
  const { runs, work } = controlled()
  ask(engine(), work)
  await flush()
  const { store, watched, reads } = pushing()
  const duplicate = ask(engine({ store }), controlled().work)
  await flush()
  watched[0]!.wake()
  watched[0]!.wake()
  await flush()
  expect(reads.count).toBe(1)
  runs[0]!.finish('seen')
  watched[0]!.wake()
  await flush()
  expect(textOf(duplicate.outcome)).toBe('seen')
})

test('without a push the record is looked at from time to time', async () => {
  const { runs, work } = controlled()
  ask(engine(), work)
  await flush()
  const { store, watched } = pushing()
  const duplicate = ask(engine({ store }), controlled().work)
  await flush()
  runs[0]!.finish('polled')
  await clock.advance(500)
  expect(textOf(duplicate.outcome)).toBe('polled')
  expect(watched[0]!.ended).toBe(true)
})

test('what is answered at once is not watched', async () => {
  const { runs, work } = controlled()
  ask(engine(), work)
  await flush()
  runs[0]!.finish('done')
  await flush()
  const { store, watched } = pushing()
  const duplicate = ask(engine({ store }), controlled().work)
  await flush()
  expect(textOf(duplicate.outcome)).toBe('done')
  expect(watched).toEqual([])
})
