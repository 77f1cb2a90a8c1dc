import { stripe } from 'hookonce/senders/stripe'
import { expect, test } from 'vitest'
import { inRepository, runToEnd, start } from './support/process.js'

const OLD = 'whsec_old'
const NEW = 'whsec_new'

function event(id: string, secret: string) {
  const sender = stripe({ secrets: [secret] })
  const body = JSON.stringify({ id, type: 'payment_intent.succeeded', data: { object: { id: 'pi_1' } } })
  const outgoing = { method: 'POST', url: 'http://localhost/webhook', body: Buffer.from(body), id, now: Date.now() }
  return { body, headers: { 'content-type': 'application/json', ...Object.fromEntries(sender.sign(outgoing)) } }
}

async function deliver(url: string, { body, headers }: ReturnType<typeof event>) {
  const response = await fetch(url, { method: 'POST', headers, body })
  return [response.status, response.headers.get('x-cached') === 'true', await response.text()] as const
}

test('Stripe: what it signed runs once, with either secret while one is rolled; what it did not sign is refused', async () => {
  const env = { PORT: '0', STRIPE_SECRET: `${NEW},${OLD}` }
  const server = await start(process.execPath, [inRepository('examples/stripe/server.js')], { env })
  const url = `${server.url}/webhook`

  expect(await deliver(url, event('evt_1', NEW))).toEqual([200, false, '{"order":1,"payment":"pi_1"}'])
  expect(await deliver(url, event('evt_1', OLD))).toEqual([200, true, '{"order":1,"payment":"pi_1"}'])
  const together = await Promise.all(Array.from({ length: 10 }, () => deliver(url, event('evt_2', NEW))))
  expect(new Set(together.map(([, , body]) => body))).toEqual(new Set(['{"order":2,"payment":"pi_1"}']))
  expect(together.filter(([, cached]) => !cached)).toHaveLength(1)

  const signed = event('evt_3', NEW)
  const refused = [
    { ...signed, body: signed.body.replace('pi_1', 'pi_2') },
    { ...signed, headers: { 'content-type': 'application/json' } },
    event('evt_3', 'whsec_another'),
  ]
  for (const each of refused) expect((await deliver(url, each as typeof signed))[0]).toBe(401)
  expect(await deliver(url, signed)).toEqual([200, false, '{"order":3,"payment":"pi_1"}'])
  expect(await server.stop()).toBe(0)
})

test('Stripe: without a secret it does not start', async () => {
  const { code, output } = await runToEnd(process.execPath, [inRepository('examples/stripe/server.js')])
  expect([code, output]).toEqual([1, expect.stringContaining('a secret must not be empty')])
})
