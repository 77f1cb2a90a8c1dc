import { expect, test } from 'vitest'
import { inRepository, start } from './support/process.js'
import { deliver } from './support/webhook.js'

const EVENT = { event: 'payment.received', data: { payment_id: 'pay_123' } }

test('Fastify: duplicates, also at the same time, get the first answer; another key runs, another body is refused', async () => {
  const server = await start(process.execPath, [inRepository('examples/fastify/server.js')], { env: { PORT: '0' } })
  const url = `${server.url}/webhook`
  const first = await deliver(url, 'payment-1', EVENT)
  expect(first).toEqual({ status: 201, cached: false, body: '{"ok":true,"order":1,"payment":"pay_123"}' })
  expect(await deliver(url, 'payment-1', EVENT)).toEqual({ ...first, cached: true })

  const together = await Promise.all(Array.from({ length: 10 }, () => deliver(url, 'payment-2', EVENT)))
  expect(new Set(together.map(({ body }) => body))).toEqual(new Set(['{"ok":true,"order":2,"payment":"pay_123"}']))
  expect(together.filter(({ cached }) => !cached)).toHaveLength(1)

  expect((await deliver(url, 'payment-1', { ...EVENT, event: 'payment.refunded' })).status).toBe(422)
  expect((await deliver(url, 'payment-3', { event: 'payment.received' })).status).toBe(400)
  expect(await server.stop()).toBe(0)
})
