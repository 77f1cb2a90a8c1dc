import { expect, test } from 'vitest'
// Within: through an inbox nothing shows who was first in one turn of the event loop.
import { Slots } from '../../dist/inbox/concurrency.js'

const nothing = () => {}

test('room for who has waited longer is not given to who asks first', () => {
  const slots = new Slots(4)
  expect(slots.reserve('orders', 4, nothing)).toBe(4)
  expect(slots.reserve('mails', 4, nothing)).toBe(0)
  slots.release(3)
  expect(slots.reserve('orders', 4, nothing)).toBe(2)
  expect(slots.reserve('mails', 4, nothing)).toBe(1)
})

test('who waits is woken as soon as there is room, first the one that has waited longest', () => {
  const slots = new Slots(1)
  const woken: string[] = []
  slots.reserve('orders', 1, nothing)
  for (const source of ['mails', 'bills']) slots.reserve(source, 1, () => void woken.push(source))
  slots.release(1)
  expect(woken).toEqual(['mails', 'bills'])
})
