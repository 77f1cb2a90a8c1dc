import { expect, test } from 'vitest'
import { addCounts, countAttempt, countDelivery, deliveriesOf, noCounts, quantile } from '../../src/journal/counts.js'

test('counts of two add up, and are what JSON keeps', () => {
  const sum = noCounts()
  const other = noCounts()
  countDelivery(sum, 'executed', 3)
  countDelivery(other, 'executed', 3)
  countDelivery(other, 'replayed', 0.001)
  countDelivery(other, 'unauthorized', undefined)
  countAttempt(other, 'threw')
  addCounts(sum, JSON.parse(JSON.stringify(other)))
  expect(sum.outcomes).toEqual({ executed: 2, replayed: 1, unauthorized: 1 })
  expect(sum.attempts).toEqual({ threw: 1 })
  expect(deliveriesOf(sum)).toBe(4)
  expect(deliveriesOf(sum, ['replayed', 'joined'])).toBe(1)
  expect(Object.values(sum.latencies)).toEqual([1, 2])
})

test.each([0.02, 0.7, 1, 12.5, 480, 30_000])('a quantile of %d ms is right within a fifth', ms => {
  const counts = noCounts()
  for (let i = 0; i < 90; i++) countDelivery(counts, 'executed', ms)
  for (let i = 0; i < 10; i++) countDelivery(counts, 'executed', 10 * ms)
  expect(quantile(counts, 0.5)! / ms).toBeGreaterThan(0.8)
  expect(quantile(counts, 0.9)! / ms).toBeLessThan(1.2)
  expect(quantile(counts, 0.91)! / (10 * ms)).toBeGreaterThan(0.8)
  expect(quantile(counts, 0.99)! / (10 * ms)).toBeLessThan(1.2)
})

test('of nothing, and of what was refused unread, no quantile is known', () => {
  const counts = noCounts()
  countDelivery(counts, 'unavailable', undefined)
  expect(quantile(counts, 0.5)).toBeNull()
})
