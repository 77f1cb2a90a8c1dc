import { afterAll, beforeAll, expect, test } from 'vitest'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
  for (let i = 0; i < 8; i++) await dashboard.deliver('/webhook', `key-${i % 4}`, '{}')
  for (let i = 0; i < 3; i++) await dashboard.deliver('/hooks/payments', `payment-${i}`, '{"fail":9}')
  await dashboard.deliver('/hooks/payments', 'paid', '{}')
})
afterAll(stopServers)

test('a row a source says how many failed, and leads to them; a failing one is red', async () => {
  const page = await open(dashboard.page())
  await page.getByRole('link', { name: 'Health' }).click()
  const row = (name: string) => page.getByRole('row', { name })
  await row('payments').getByRole('link', { name: '75 %' }).waitFor()
  expect(await row('payments').getAttribute('class')).toBe('alarming')
  expect(await row('default').getAttribute('class')).toBeNull()
  await row('default').getByRole('img', { name: 'deliveries of default over time' }).waitFor()
  await row('payments').getByRole('link', { name: '75 %' }).click()
  await page.getByRole('link', { name: 'payment-0' }).waitFor()
})

test('duplicates that did not run are counted as saved, over every range', async () => {
  const page = await open(dashboard.page('#/health'))
  const tile = (name: string) => page.locator('.tile', { hasText: name }).locator('dd').first()
  for (const range of ['5m', '24h', '7d', '30d', '1h']) {
    await page.getByRole('link', { name: range, exact: true }).click()
    await expect.poll(() => tile('Saved').textContent()).toBe('4')
    await expect.poll(() => tile('Deliveries').textContent()).toBe('12')
    expect(await page.getByRole('link', { name: range, exact: true }).getAttribute('aria-current')).toBe('true')
  }
  await page.getByText('alive').waitFor()
})
