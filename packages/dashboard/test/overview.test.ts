import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer } from '../../server/test/support/server.js'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
})
afterAll(stopServers)

test('a delivery shows up by itself, and in the figures', async () => {
  const page = await open(dashboard.page())
  await page.getByText('None since this page was opened').waitFor()
  await dashboard.deliver('/webhook', 'evt_1', '{"a":1}')
  await dashboard.deliver('/webhook', 'evt_1', '{"a":1}')
  await dashboard.deliver('/webhook', 'evt_1', '{"a":2}')
  const rows = page.getByRole('table', { name: 'Latest deliveries' }).locator('tbody tr')
  await rows.nth(2).waitFor()
  const outcomes = await rows.locator('.badge').allTextContents()
  expect(outcomes).toEqual(['mismatch', 'replayed', 'executed'])
  const tile = (name: string) => page.locator('.tile', { hasText: name }).locator('dd').first()
  await expect.poll(() => tile('Hit rate').textContent()).toBe('50 %')
  expect(await tile('Conflicts').textContent()).toBe('1')
  expect(await tile('Store').textContent()).toBe('ok')
  expect(await page.locator('figure.chart canvas').count()).toBe(3)
})

test('while the server is away it says so, and comes back by itself', async () => {
  const env = { HOOKONCE_STORE_URL: 'memory:' }
  const first = await startServer({ env })
  const page = await open(`${first.url}/dashboard`)
  await page.getByText('Live', { exact: true }).waitFor()
  first.kill('SIGKILL')
  await page.getByText('Reconnecting…').waitFor()
  await page.getByText('these are the figures of').waitFor()
  await first.exited
  await startServer({ env: { ...env, PORT: new URL(first.url).port } })
  await page.getByText('Live', { exact: true }).waitFor()
  await page.getByText('these are the figures of').waitFor({ state: 'detached' })
})
