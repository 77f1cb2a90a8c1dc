import { shopify } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { received, signed, withHeaders } from './signed.js'

const sender = shopify({ secrets: ['client secret'] })
const sent = signed(sender, { id: 'w-1' })

test('the key is topic and delivery', () => {
  const keys = [sent, withHeaders(sent, { 'x-shopify-topic': 'orders/create' }), signed(sender, { id: 'w-2' })].map(
    sender.key,
  )
  expect(new Set(keys).size).toBe(3)
  expect(sender.key(withHeaders(sent, { 'x-shopify-event-id': 'e-2' }))).toBe(keys[0])
  expect(sender.key(withHeaders(sent, { 'x-shopify-webhook-id': undefined }))).toBeNull()
  expect(sender.key(withHeaders(sent, { 'x-shopify-topic': undefined }))).toBeNull()
})

test('or topic and event, for what comes by several subscriptions', () => {
  const byEvent = shopify({ secrets: ['client secret'], keyBy: 'event' })
  const other = withHeaders(sent, { 'x-shopify-webhook-id': 'w-2' })
  expect(byEvent.key(other)).toBe(byEvent.key(sent))
  expect(byEvent.key(withHeaders(sent, { 'x-shopify-event-id': 'e-2' }))).not.toBe(byEvent.key(sent))
})

test('one body under two topics is two events, under two ids it is one', async () => {
  const created = withHeaders(sent, { 'x-shopify-topic': 'orders/create' })
  const forged = withHeaders(sent, { 'x-shopify-webhook-id': 'w-2' })
  expect((await received(sender, sent, created, forged)).runs).toBe(2)
})

describe('the Events API', () => {
  const signature = sent.header('x-shopify-hmac-sha256')
  const event = withHeaders(sent, {
    'shopify-hmac-sha256': signature,
    'shopify-topic': 'Product',
    'shopify-event-id': 'e-1',
  })

  test('is read from headers of its own, even where the others stand too', () => {
    expect(sender.verify(event, 0)).toBeNull()
    expect(sender.key(event)).toBe('7:Product,3:e-1')
    expect(sender.verify(withHeaders(event, { 'shopify-hmac-sha256': 'forged' }), 0)).toBe('signature_wrong')
  })

  test('is not completed from the others', () => {
    expect(sender.key(withHeaders(event, { 'shopify-topic': undefined }))).toBeNull()
    expect(sender.key(withHeaders(event, { 'shopify-event-id': undefined }))).toBeNull()
  })
})
