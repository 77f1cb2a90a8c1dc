import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../../scripts/test-servers/redis.js'
import { startServer } from '../../server/test/support/server.js'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
})
afterAll(stopServers)

const tile = (page: Page, name: string) => page.locator('.tile', { has: page.getByText(name, { exact: true }) })
const figure = (page: Page, name: string) => tile(page, name).locator('dd').first().textContent()

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
  expect(await rows.first().getByRole('link', { name: 'evt_1' }).getAttribute('href')).toBe('#/records/default/evt_1')
  await expect.poll(() => figure(page, 'Hit rate')).toBe('50 %')
  expect(await figure(page, 'Conflicts')).toBe('1')
  expect(await figure(page, 'Store')).toBe('ok')
  expect(await page.locator('.tile.alarming').count()).toBe(0)
  expect(await page.locator('figure.chart canvas').count()).toBe(2)
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

test('tiles are red while deliveries are refused, attempts fail, and something is dead', async () => {
  const failing = await startDashboard()
  const page = await open(failing.page())
  for (const i of [1, 2, 3]) await failing.deliver('/hooks/orders', `order_${i}`, '{"fail":"no stock"}')
  await expect.poll(() => figure(page, 'Failed attempts')).toBe('100 %')
  await tile(page, 'Inbox').getByRole('link', { name: '3 dead' }).waitFor()
  for (const name of ['Failed attempts', 'Inbox'])
    expect(await tile(page, name).getAttribute('class')).toMatch('alarming')
  for (let i = 0; i < 5; i++) await failing.deliver('/webhook', 'two words', '{}')
  await expect.poll(() => figure(page, 'Refused')).toBe('62.5 %')
  await expect.poll(() => tile(page, 'Refused').getAttribute('class')).toMatch('alarming')
})

test('while the store is away its figures are not known, and no 0', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const server = await startDashboard({ HOOKONCE_STORE_URL: redis.url })
  const page = await open(server.page())
  await expect.poll(() => figure(page, 'Inbox')).toBe('0 pending')
  await redis.stop()
  await expect.poll(() => figure(page, 'Inbox'), { timeout: 20_000 }).toBe('–')
  await tile(page, 'Inbox').getByText('dead: not known').waitFor()
  expect((await server.deliver('/webhook', 'evt', '{}')).status).toBe(503)
  await expect.poll(() => figure(page, 'Store')).toBe('failing')
  await page.getByText('The store does not answer').first().waitFor()
  expect(await tile(page, 'Failed deliveries').count()).toBe(0)
})
