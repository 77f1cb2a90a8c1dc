import { expect, test } from 'vitest'
import { inRepository, start, temporaryFolder } from './support/process.js'
import { deliver } from './support/webhook.js'

const EVENT = { order: 1 }

const carrier = (...args: string[]) =>
  start(process.execPath, [inRepository('examples/hono/carrier.js'), ...args], { env: { PORT: '0' } })

const shop = (carrierUrl: string, cwd = temporaryFolder()) =>
  start(process.execPath, [inRepository('examples/hono/server.js')], {
    cwd,
    env: { PORT: '0', CARRIER_URL: `${carrierUrl}/shipments` },
  })

test('Hono: a duplicate gets the first answer, after a restart too', async () => {
  const { url: carrierUrl, output } = await carrier()
  const folder = temporaryFolder()
  const { url, stop } = await shop(carrierUrl, folder)
  const first = await deliver(`${url}/webhook`, 'order-1', EVENT)
  expect(first).toEqual({ status: 200, cached: false, body: '{"ok":true,"shipment":"shipment-1","attempt":1}' })
  expect(await deliver(`${url}/webhook`, 'order-1', EVENT)).toEqual({ ...first, cached: true })
  expect(await stop()).toBe(0)

  const restarted = await shop(carrierUrl, folder)
  expect(await deliver(`${restarted.url}/webhook`, 'order-1', EVENT)).toEqual({ ...first, cached: true })
  expect((await deliver(`${restarted.url}/webhook`, 'order-2', EVENT)).body).toContain('shipment-2')
  expect(output().match(/made/g)).toHaveLength(2)
})

test("Hono: when the carrier's answer is lost, the next attempt gets the shipment that was made", async () => {
  const { url: carrierUrl, output } = await carrier('--lose-first-answer')
  const { url } = await shop(carrierUrl)
  expect((await deliver(`${url}/webhook`, 'order-1', EVENT)).status).toBe(500)
  const retry = await deliver(`${url}/webhook`, 'order-1', EVENT)
  expect(retry).toEqual({ status: 200, cached: false, body: '{"ok":true,"shipment":"shipment-1","attempt":2}' })
  expect(await deliver(`${url}/webhook`, 'order-1', EVENT)).toEqual({ ...retry, cached: true })
  expect(output().match(/made/g)).toHaveLength(1)
})
