import { afterAll, beforeAll, expect, test } from 'vitest'
import { useBrowser } from './support/browser.js'
import { type Dashboard, killOrders, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
})
afterAll(stopServers)

test.each([
  '.',
  '..',
  '../../api/session',
  'a/b//c',
  '%',
  '%2e%2E',
  '50%25',
  '?source=default&key=other#top',
  '/'.repeat(255),
  '%'.repeat(255),
])('the key %s is opened, redriven and deleted', async key => {
  await killOrders(dashboard, { [key]: 'not yet' })
  const page = await open(dashboard.page('#/records?source=orders'))
  await page.getByRole('link', { name: key, exact: true }).click()
  await page.getByRole('heading', { name: key, exact: true, level: 1 }).waitFor()
  await page.getByText('dead', { exact: true }).waitFor()
  await page.reload()
  await page.getByRole('button', { name: 'Redrive' }).click()
  await page.getByRole('status').getByText('It is due now.').waitFor()
  await page.getByText('Round').waitFor()
  await expect.poll(() => page.locator('dl.facts div', { hasText: 'Round' }).textContent()).toBe('Round2')
  await page.getByRole('button', { name: 'Delete…' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Delete/ })
    .click()
  await page.getByText('The record is deleted.').waitFor()
  await page.getByText('Nothing fits').waitFor()
})
