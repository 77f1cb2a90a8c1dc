import { github } from 'hookonce/senders'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signed } from '../../server/test/support/signed.js'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
})
afterAll(stopServers)

const fail = (key: string, times = 1) =>
  dashboard.deliver('/hooks/payments', key, JSON.stringify({ fail: times, of: key }))

test('what failed is listed, and replayed one by one under its key', async () => {
  await fail('single', 2)
  const page = await open(dashboard.page('#/failed'))
  const row = page.getByRole('row', { name: 'single' })
  await expect.poll(() => row.locator('.badge').allTextContents()).toEqual(['503', 'failed'])
  await row.getByRole('button', { name: 'Replay' }).click()
  await page.getByText('It failed again: 503.').waitFor()
  await row.getByRole('button', { name: 'Replay' }).click()
  await page.getByText('Nothing failed').waitFor()
  await page.goto(dashboard.page('#/records/payments/single'))
  await page.getByText('completed', { exact: true }).waitFor()
})

test('a record that failed shows the answer, and is replayed from its page', async () => {
  await fail('one-record')
  const page = await open(dashboard.page('#/records/payments/one-record'))
  await page.getByRole('heading', { name: 'Attempt 1 was answered 503' }).waitFor()
  await page.getByRole('region', { name: 'body of the failed answer' }).getByText('"paid"').waitFor()
  await page.getByRole('button', { name: 'Replay' }).click()
  await page.getByText('It was answered 200.').waitFor()
  await page.getByText('completed', { exact: true }).waitFor()
})

test('everything that failed is replayed in three steps, none twice', async () => {
  for (let i = 0; i < 30; i++) await fail(`payment-${i}`)
  await fail('stays', 9)
  const page = await open(dashboard.page())
  await page.getByRole('link', { name: 'Failed' }).click()
  await page.getByRole('button', { name: 'Replay all…' }).click()
  await page.getByRole('dialog', { name: 'Replay 31 deliveries?' }).getByRole('button', { name: 'Replay' }).click()
  await page.getByText('31 replayed: 30 have a result, 1 failed again.').waitFor()
  await expect.poll(() => page.locator('tbody tr').allTextContents()).toEqual([expect.stringContaining('stays')])
  await page.goto(dashboard.page('#/records/payments/payment-7'))
  await page.getByText('2 attempts in 1 process, 1 result.').waitFor()
})

test('a refused delivery says why, and is accepted after a question', async () => {
  const stranger = github({ secrets: ['a-secret-of-somebody-else-0123'] })
  const { headers, body } = signed(stranger, { body: '{"order":4711}' })
  await fetch(`${dashboard.url}/hooks/signed`, { method: 'POST', headers, body })
  const page = await open(dashboard.page())
  await page.getByRole('link', { name: 'Refused' }).click()
  const link = page.getByRole('link', { name: /^No likely change of the body explains it/ })
  await expect
    .poll(async () => {
      await page.getByRole('button', { name: 'Refresh' }).click()
      return link.count()
    })
    .toBe(1)
  await link.click()
  await page.getByText('"order"').waitFor()
  await page.getByRole('button', { name: 'Verify again' }).click()
  await page.getByText('Its signature is still not right.').waitFor()
  await page.getByRole('button', { name: 'Accept anyway…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Accept' }).click()
  await page.getByText('It was answered 200.').waitFor()
  await page.locator('.facts div', { hasText: 'Accepted' }).waitFor()
})

test('of a key that was reused, the fields that differ are marked', async () => {
  await dashboard.deliver('/hooks/orders', 'reused', '{"order":1,"lines":[{"sku":"a","count":1}],"old":true}')
  await dashboard.deliver('/hooks/orders', 'reused', '{"order":1,"lines":[{"sku":"a","count":2}],"new":"<b>"}')
  const page = await open(dashboard.page('#/refused?source=orders'))
  const link = page.getByRole('link', { name: 'Its key was used before for another payload.' })
  await expect
    .poll(async () => {
      await page.getByRole('button', { name: 'Refresh' }).click()
      return link.count()
    })
    .toBe(1)
  await link.click()
  const rows = page.getByRole('table', { name: 'What differs from the first delivery' }).locator('tbody tr')
  await rows.first().waitFor()
  expect((await rows.allTextContents()).sort()).toEqual(['lines.0.count12', 'new–"<b>"', 'oldtrue–'])
})

test('a refused delivery that is gone says so', async () => {
  const page = await open(dashboard.page('#/refused/signed/unknown'))
  await page.getByText('This delivery is not kept any more').waitFor()
})

test('lists are filtered by source and time', async () => {
  await fail('filtered', 9)
  const page = await open(dashboard.page('#/failed?source=default'))
  await page.getByText('Nothing fits').waitFor()
  await page.getByRole('link', { name: 'Show all that failed' }).click()
  await page.getByRole('link', { name: 'filtered' }).waitFor()
  await page.getByLabel('and before').fill('2020-01-01T00:00')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByText('Nothing fits').waitFor()
})

test('the delivery whose body has order 4711 is found, among all that are kept', async () => {
  for (let i = 4690; i < 4730; i++) await dashboard.deliver('/hooks/orders', `order-${i}`, `{"order":${i}}`)
  const page = await open(dashboard.page())
  await page.getByRole('link', { name: 'Deliveries' }).click()
  await page.getByLabel('Body contains').fill('"order":4711')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByText(/^1 found, \d+ looked at\.$/).waitFor()
  await page.getByRole('link', { name: 'order-4711' }).click()
  await page.getByText('4711', { exact: true }).waitFor()
  await page.getByRole('link', { name: 'What became of it' }).click()
  await page.getByText('completed', { exact: true }).waitFor()
})

test('deliveries are listed, of one source with what it keeps', async () => {
  const page = await open(dashboard.page('#/deliveries'))
  await page.getByRole('link', { name: 'order-4729' }).waitFor()
  await page.getByLabel('Source').selectOption('payments')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByText('This source keeps what failed').waitFor()
})
