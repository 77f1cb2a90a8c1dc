import { createInbox, createReceiver, type Delivery } from 'hookonce'
import { github, hmac, type Sender, stripe } from 'hookonce/senders'
import { memoryStore } from 'hookonce/stores/memory'
import { expect, test } from 'vitest'
import { signed, withHeaders } from './signed.js'

const secrets = ['a secret']
const hub = github({ secrets })

/** What the store is told of deliveries: at their claim, or when they are accepted. */
async function labels(sender: Sender | undefined, deliveries: Delivery[]) {
  const told: unknown[] = []
  const store = new Proxy(memoryStore(), {
    get(target, name) {
      const member = Reflect.get(target, name, target)
      if (name !== 'claim' && name !== 'accept') return typeof member === 'function' ? member.bind(target) : member
      return (request: { label?: string | null }) => {
        told.push(request.label)
        return member.call(target, request)
      }
    },
  })
  const receiver = createReceiver({ store })
  const rules = sender === undefined ? {} : { sender }
  const inbox = createInbox({ receiver, handlers: { later: { ...rules, handler: () => {} } } })
  for (const source of [receiver.source({ name: 'now', ...rules }), inbox.source('later')]) {
    for (const delivery of deliveries) {
      await source.receive(delivery, () => ({ status: 200, headers: [], body: new Uint8Array() }))
    }
  }
  await store.close()
  return [told.slice(0, deliveries.length), told.slice(deliveries.length)]
}

const both = (expected: unknown[]) => [expected, expected]

test('an id that is not signed is stored as the label', async () => {
  const bodies = ['{"n":1}', '{"n":2}']
  expect(
    await labels(
      hub,
      bodies.map(body => signed(hub, { id: 'one-guid', body })),
    ),
  ).toEqual(both(['one-guid', 'one-guid']))
})

test('there is no label if it equals the key or is missing', async () => {
  const till = stripe({ secrets })
  const named = hmac({ secrets, key: { field: 'id' } })
  const unnamed = signed(hub, { body: '{"n":1}' })
  expect(await labels(till, [signed(till, { body: '{"id":"evt_1"}' })])).toEqual(both([null]))
  expect(await labels(hub, [withHeaders(unnamed, { 'x-github-delivery': undefined })])).toEqual(both([null]))
  const ids = ['"o-1"', '"INV 2024/001"']
  expect(
    await labels(
      named,
      ids.map(id => signed(named, { body: `{"id":${id}}` })),
    ),
  ).toEqual(both([null, 'INV 2024/001']))
  expect(await labels(undefined, [withHeaders(unnamed, { 'idempotency-key': 'a' })])).toEqual(both([null]))
})

test('what cannot be shown is no label, and the delivery is taken all the same', async () => {
  const names = [
    'x'.repeat(255),
    'x'.repeat(256),
    'é'.repeat(128),
    '',
    ' ',
    'a\u202eb',
    'a\tb',
    'a\u0085b',
    'a\u200bb',
    '\ud800',
  ]
  const deliveries = names.map((name, n) =>
    withHeaders(signed(hub, { body: JSON.stringify({ n }) }), { 'x-github-delivery': name }),
  )
  const shown = names.map(name => (name === names[0] ? name : null))
  expect(await labels(hub, deliveries)).toEqual(both(shown))
})

test('a name that is there twice is none', async () => {
  const { headers, ...rest } = signed(hub)
  const twice = signed(hub, {}, { ...rest, headers: [...headers, ['x-github-delivery', 'another']] })
  expect(await labels(hub, [twice])).toEqual(both([null]))
})
