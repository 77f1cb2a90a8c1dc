import { shopify } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { received, signed, withHeaders } from './signed.js'

const secrets = ['client secret']
const sender = shopify({ secrets })
const sent = withHeaders(signed(sender, { id: 'w-1' }), { 'x-shopify-topic': 'orders/updated' })
const created = withHeaders(sent, { 'x-shopify-topic': 'orders/create' })
const invented = withHeaders(sent, { 'x-shopify-topic': 'orders/invented' })

test('the key is a digest of the body, whatever the unsigned headers are', () => {
  const same = [
    sent,
    created,
    signed(sender, { id: 'w-2' }),
    withHeaders(sent, { 'x-shopify-event-id': 'e-2' }),
    withHeaders(sent, { 'x-shopify-webhook-id': undefined, 'x-shopify-topic': undefined }),
  ]
  expect(new Set(same.map(sender.key)).size).toBe(1)
  expect(sender.key(signed(sender, { body: '{"n":1}' }))).not.toBe(sender.key(sent))
})

test('one body runs once for each of the topics that are named, and once for all others', async () => {
  const forged = withHeaders(sent, { 'x-shopify-webhook-id': 'w-2' })
  expect((await received(sender, sent, created, forged)).runs).toBe(1)
  const topics = ['orders/create', 'orders/updated']
  const told = [sent, created, forged, invented, withHeaders(sent, { 'x-shopify-topic': undefined })]
  expect((await received(shopify({ secrets, topics }), ...told)).runs).toBe(3)
})

test('the delivery’s id is a label', () => {
  expect(sender.label!(sent)).toBe('w-1')
  expect(sender.label!(withHeaders(sent, { 'x-shopify-webhook-id': undefined }))).toBe('w-1')
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
    expect(sender.label!(event)).toBe('e-1')
    expect(sender.verify(withHeaders(event, { 'shopify-hmac-sha256': 'forged' }), 0)).toBe('signature_wrong')
    const both = shopify({ secrets, topics: ['Product', 'orders/updated'] })
    expect(both.key(event)).toBe(both.key(withHeaders(event, { 'x-shopify-topic': 'orders/create' })))
    expect(both.key(event)).not.toBe(both.key(sent))
  })

  test('is not completed from the others', () => {
    expect(sender.label!(withHeaders(event, { 'shopify-event-id': undefined }))).toBeNull()
  })

  test('a delivery of the others is the same event when it is dressed as one of it', () => {
    expect(sender.key(event)).toBe(sender.key(sent))
  })
})
