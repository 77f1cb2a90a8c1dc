import { github } from 'hookonce/senders/github'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sendSigned } from '../../server/test/support/signed.js'
import { useBrowser } from './support/browser.js'
import { type Dashboard, HOSTILE_BODY, HOSTILE_KEY, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
  for (let i = 0; i < 60; i++) await dashboard.deliver('/webhook', `evt_${i}`, `{"i":${i}}`)
  await dashboard.deliver('/hooks/orders', 'order_1', '{"id":1}')
})
afterAll(stopServers)

const ROWS = 'tbody tr'

test('all are listed page by page, each once', async () => {
  const page = await open(dashboard.page('#/records'))
  const keys: string[] = []
  const links = page.locator(`${ROWS} .key a`)
  await links.first().waitFor()
  keys.push(...(await links.allTextContents()))
  expect(keys).toHaveLength(50)
  await page.getByRole('link', { name: 'Older' }).click()
  await page.getByRole('link', { name: 'Newest' }).waitFor()
  await links.first().waitFor()
  keys.push(...(await links.allTextContents()))
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys).toEqual(expect.arrayContaining(['evt_0', 'evt_59', 'order_1']))
})

test('they are filtered by source and state, and found by key in every source', async () => {
  const page = await open(dashboard.page('#/records'))
  await page.getByLabel('Source').selectOption('orders')
  await page.getByLabel('State').selectOption('completed')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect.poll(() => page.locator(ROWS).allTextContents()).toEqual([expect.stringContaining('order_1')])

  await page.goto(dashboard.page('#/records'))
  await page.getByLabel('Key').fill('order_1')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator(ROWS).allTextContents()).toEqual([expect.stringContaining('order_1')])

  await page.getByLabel('Key').fill('nobody’s')
  await page.keyboard.press('Enter')
  await page.getByText('Nothing fits').waitFor()
})

test('they are found by how their keys begin, by type and by time', async () => {
  await dashboard.deliver('/hooks/orders', 'order_2', '{"type":"order.paid"}')
  const page = await open(dashboard.page('#/records'))
  const shown = (...rows: string[]) =>
    expect
      .poll(async () => {
        await page.getByRole('button', { name: 'Refresh' }).click()
        return page.locator(ROWS).allTextContents()
      })
      .toEqual(rows.map(row => expect.stringMatching(row)))
  await page.getByLabel('Key or label').fill('order_*')
  await page.keyboard.press('Enter')
  await shown('order_2.*order.paid', 'order_1')

  await page.getByLabel('Key or label').fill('')
  await page.getByText('Type, term, error, time').click()
  await page.getByLabel('Type').fill('order.')
  await page.keyboard.press('Enter')
  await shown('order_2')
  // The fields in use are not folded away.
  await page.getByLabel('and before').fill('2020-01-01T00:00')
  await page.keyboard.press('Enter')
  await page.getByText('Nothing fits').waitFor()
})

test('a record says how often its delivery came again, and when', async () => {
  for (let i = 0; i < 3; i++) await dashboard.deliver('/webhook', 'repeated', '{}')
  const page = await open(dashboard.page('#/records/default/repeated'))
  const fact = (name: string) =>
    page.locator('.facts div', { has: page.getByText(name, { exact: true }) }).locator('dd')
  await expect
    .poll(async () => {
      await page.getByRole('button', { name: 'Refresh' }).click()
      return fact('Duplicates').textContent()
    })
    .toBe('2')
  for (const name of ['First duplicate', 'Last duplicate']) expect(await fact(name).count()).toBe(1)
  await page.goto(dashboard.page('#/records/orders/order_1'))
  await expect.poll(() => fact('Duplicates').textContent()).toBe('0')
  expect(await fact('First duplicate').count()).toBe(0)
})

test('what a sender names in a header is found by that name, and leads to all that have it', async () => {
  const secret = 'a secret of thirty-two characters'
  const signed = await startDashboard({ HOOKONCE_SENDER: 'github', HOOKONCE_SECRET: secret })
  const hub = github({ secrets: [secret] })
  for (const [id, body] of [
    ['guid-1', '{"n":1}'],
    ['guid-1', '{"n":2}'],
    ['guid-2', '{"n":3}'],
  ] as const) {
    await sendSigned(`${signed.url}/webhook`, hub, { id, body })
  }
  const page = await open(signed.page('#/records'))
  await page.getByLabel('Key or label').fill('guid-2')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator(ROWS).allTextContents()).toEqual([expect.stringMatching(/^sha256:.*guid-2/)])
  await page.getByLabel('Key or label').fill('guid-1')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator(ROWS).count()).toBe(2)
  await page.locator(`${ROWS} .key a`).first().click()
  await page.locator('dt', { hasText: 'Label' }).waitFor()
  await page.getByRole('link', { name: 'guid-1' }).click()
  await expect.poll(() => page.locator(ROWS).count()).toBe(2)
})

test('one is shown in full: its times, its delivery and what was answered', async () => {
  const page = await open(dashboard.page('#/records/orders/order_1'))
  const delivery = page.locator('section.panel', { hasText: 'Delivery POST /hooks/orders' })
  await delivery.getByText('x-idempotency-key').waitFor()
  expect(await delivery.getByRole('region').textContent()).toBe('{\n  "id": 1\n}')
  await delivery.getByText('Hex').click()
  expect(await delivery.getByRole('region').textContent()).toContain('7b 22 69 64')
  const response = page.locator('section.panel', { hasText: 'Recorded response' })
  await response.getByText('Text').click()
  expect(await response.getByRole('region').textContent()).toBe('{"shipped":true}')
  for (const fact of ['Attempts', 'Completed', 'Forgotten', 'Fencing token', 'Round']) {
    await page.locator('dt', { hasText: fact }).waitFor()
  }
})

test('strangers’ keys and bodies are text, and can be looked at and deleted', async () => {
  await dashboard.deliver('/hooks/orders', HOSTILE_KEY, HOSTILE_BODY)
  const page = await open(dashboard.page('#/records?source=orders'))
  await page.getByRole('link', { name: HOSTILE_KEY }).click()
  await page.getByRole('heading', { name: HOSTILE_KEY }).waitFor()
  const delivery = page.locator('section.panel', { hasText: 'Delivery' }).first()
  expect(await delivery.getByRole('region').textContent()).toBe(
    '{\n  "</script><script>alert(1)</script>": "<img src=x onerror=alert(2)>",\n  "n": 1.00\n}',
  )
  expect(await page.locator('#app img, #app script').count()).toBe(0)
  await page.getByRole('button', { name: 'Delete…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The record is deleted.').waitFor()
  await page.getByRole('link', { name: 'order_1' }).waitFor()
  expect(await page.getByRole('link', { name: HOSTILE_KEY }).count()).toBe(0)
})

test('a body that is no text is shown in hex alone', async () => {
  const headers = { 'x-idempotency-key': 'bytes', 'content-type': 'application/octet-stream' }
  await fetch(`${dashboard.url}/hooks/orders`, { method: 'POST', headers, body: Uint8Array.of(0xff, 0, 0x41) })
  const page = await open(dashboard.page('#/records/orders/bytes'))
  const delivery = page.locator('section.panel', { hasText: 'Delivery' }).first()
  expect(await delivery.getByRole('region').textContent()).toContain('ff 00 41')
  expect(await delivery.getByRole('radio').count()).toBe(1)
})

test('to delete asks first, and Escape takes it back', async () => {
  const page = await open(dashboard.page('#/records/default/evt_1'))
  await page.getByRole('button', { name: 'Delete…' }).click()
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.reload()
  await page.getByText('completed', { exact: true }).waitFor()
})

test('one that runs is deleted by force, after a warning', async () => {
  void dashboard.deliver('/hooks/stuck', 'held', '{}').catch(() => {})
  const page = await open(dashboard.page('#/records?source=stuck'))
  const held = page.getByRole('link', { name: 'held' })
  await expect
    .poll(async () => {
      await page.getByRole('button', { name: 'Refresh' }).click()
      return held.count()
    })
    .toBe(1)
  await held.click()
  await page.getByText('Lease left').waitFor()
  await page.getByRole('button', { name: 'Delete…' }).click()
  await page.getByText('An attempt holds this key now.').waitFor()
  await page.getByRole('button', { name: 'Delete by force' }).click()
  await page.getByText('Nothing fits').waitFor()
})

test('a key that is not there leads on', async () => {
  const page = await open(dashboard.page('#/records/default/nothing'))
  await page.getByText('Nothing is recorded for this key').waitFor()
})
