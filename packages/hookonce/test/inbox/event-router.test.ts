import { defineWebhooks, jsonResponse, type StandardSchema, webhook } from 'hookonce'
import { expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { deliver, inboxOf, recordOf, settle } from './support.js'

const payment = z.object({ type: z.string(), data: z.object({ amount: z.number() }) })

const routed = () => {
  const seen: unknown[] = []
  const handler = defineWebhooks({
    on: {
      'payment.received': webhook({
        schema: payment,
        handle: ({ payload, attempt }) => {
          expectTypeOf(payload.data.amount).toBeNumber()
          seen.push([payload.data.amount, attempt.number])
          return jsonResponse({ ok: true })
        },
      }),
      ping: webhook({ handle: ({ payload }) => void seen.push(payload) }),
    },
    otherwise: ({ type }) => void seen.push(`another: ${type}`),
  })
  return { seen, inbox: inboxOf({ orders: handler }) }
}

test('events go to the handler of their type, with the payload that its schema makes of them', async () => {
  const { seen, inbox } = routed()
  await deliver(inbox, 'a', '{"type":"payment.received","data":{"amount":7,"more":1},"extra":true}')
  await deliver(inbox, 'b', '{"event":"ping"}')
  await deliver(inbox, 'c', '{"type":"toString"}')
  await settle()
  expect(seen).toEqual([[7, 1], { event: 'ping' }, 'another: toString'])
  expect((await recordOf('a'))!.state).toBe('completed')
})

test.each([
  ['{"type":"payment.received","data":{"amount":"7"}}', /payment\.received is not valid: data\.amount: /],
  ['not json', /the body is not JSON$/],
  ['{"data":1}', /the event has no type$/],
])('what cannot get better is dead at once, and says why: %s', async (body, reason) => {
  const { seen, inbox } = routed()
  await deliver(inbox, 'k', body)
  await settle()
  const record = (await recordOf('k'))!
  expect([record.state, record.attempts]).toEqual(['dead', 1])
  expect(record.lastError).toMatch(reason)
  expect(seen).toEqual([])
})

test('any library that speaks Standard Schema will do', async () => {
  const positive: StandardSchema<number> = {
    '~standard': {
      validate: async value => (Number(value) > 0 ? { value: Number(value) } : { issues: [{ message: 'no' }] }),
    },
  }
  const seen: number[] = []
  const inbox = inboxOf({
    orders: defineWebhooks({
      type: () => 'number',
      payload: delivery => delivery.text(),
      on: { number: webhook({ schema: positive, handle: ({ payload }) => void seen.push(payload) }) },
    }),
  })
  await deliver(inbox, 'a', '5')
  await deliver(inbox, 'b', '-5')
  await settle()
  expect(seen).toEqual([5])
  expect((await recordOf('b'))!.lastError).toContain('not valid: no')
})
