import { afterAll, beforeAll, expect, test } from 'vitest'
import { useBrowser } from './support/browser.js'
import { type Dashboard, killOrders, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
})
afterAll(stopServers)

test('a dead record says why, and is redriven until it is completed', async () => {
  await killOrders(dashboard, { resent: 'no stock' })
  const page = await open(dashboard.page('#/records/orders/resent'))
  await page.getByText('Error: no stock').waitFor()
  expect(await page.locator('.failure').count()).toBe(1)
  await page.getByRole('button', { name: 'Redrive' }).click()
  await page.getByText('completed', { exact: true }).waitFor()
  await page.getByText('An earlier attempt failed: Error: no stock').waitFor()
  expect(await page.locator('.failure').count()).toBe(0)
  await page.getByText('2 attempts in 1 process, 1 result.').waitFor()
  const attempts = page.getByRole('table', { name: 'Attempts' }).locator('tbody tr td:first-child')
  expect(await attempts.allTextContents()).toEqual(['1 threw', '2 recorded'])
  await page.goto(dashboard.page('#/records?source=orders'))
  await page.getByRole('link', { name: 'resent' }).waitFor()
  expect(await page.locator('.error-line').count()).toBe(0)
})

test('what is completed is redriven after a question', async () => {
  await dashboard.deliver('/hooks/orders', 'again', '{}')
  const page = await open(dashboard.page('#/records/orders/again'))
  const attempts = page.locator('.facts div', { hasText: 'Attempts' }).locator('dd')
  await page.getByRole('button', { name: 'Redrive…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Redrive' }).click()
  await expect.poll(() => attempts.textContent()).toBe('2')
  await page.getByText('completed', { exact: true }).waitFor()
})

test('what waits for its next attempt is retried at once', async () => {
  await dashboard.deliver('/hooks/patient', 'later', '{}')
  const page = await open(dashboard.page('#/records/patient/later'))
  const attempts = page.locator('.facts div', { hasText: 'Attempts' }).locator('dd')
  await page.getByText('failed, retries').waitFor()
  await page.getByRole('button', { name: 'Retry now' }).click()
  await page.getByText('completed', { exact: true }).waitFor()
  expect(await attempts.textContent()).toBe('2')
  expect(await page.getByRole('button', { name: 'Retry now' }).count()).toBe(0)
})

test('dead letters are redriven one by one', async () => {
  await killOrders(dashboard, { single: 'once' })
  const page = await open(dashboard.page('#/dead'))
  await page.getByRole('row', { name: 'single' }).getByRole('button', { name: 'Redrive' }).click()
  await page.getByText('Nothing is dead').waitFor()
})

test('many are begun again by what they failed at, the others stay', async () => {
  const carrier = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`carrier_${i}`, 'the carrier answered 503']))
  await killOrders(dashboard, { ...carrier, stock_1: 'no stock' })
  const page = await open(dashboard.page('#/dead'))
  await page.getByLabel('Error').fill('carrier')
  await page.getByLabel('Accepted since').fill('2020-01-01T00:00')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByRole('button', { name: 'Redrive all that fit…' }).click()
  await page.getByRole('dialog', { name: 'Redrive 60 deliveries?' }).getByRole('button', { name: 'Redrive' }).click()
  await page.getByText('60 redriven of 61 looked at.').waitFor()
  await page.goto(dashboard.page('#/dead'))
  await expect.poll(() => page.locator('tbody tr').allTextContents()).toEqual([expect.stringContaining('stock_1')])

  await page.getByLabel('and before').fill('2020-01-01T00:00')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByText('Nothing fits').waitFor()
  expect(await page.getByRole('button', { name: 'Redrive all that fit…' }).isDisabled()).toBe(true)
})

test('a link to dead letters means the same moment in every zone', async () => {
  const place = '#/dead?since=2026-01-01T00%3A00%3A00.000Z'
  const page = await open(dashboard.page(place), { timezoneId: 'Asia/Tokyo' })
  expect(await page.getByLabel('Accepted since').inputValue()).toBe('2026-01-01T09:00')
  await page.getByText('Times are in Asia/Tokyo, UTC+09:00').waitFor()
  await page.getByLabel('and before').fill('2026-01-02T09:00')
  await page.getByRole('button', { name: 'Filter' }).click()
  await expect.poll(() => page.url()).toContain('until=2026-01-02T00%3A00%3A00.000Z')
})

test('sources say how they are set, and lead to what they received', async () => {
  await dashboard.deliver('/webhook', 'evt', '{"a":1}')
  await dashboard.deliver('/webhook', 'evt', '{"a":2}')
  const page = await open(dashboard.page('#/sources'))
  const source = (name: string) => page.getByRole('region', { name })
  await source('default').getByText('acknowledged here').waitFor()
  const links = (name: string) => source(name).locator('.actions a').allTextContents()
  expect(await links('default')).toEqual(['Records', 'Deliveries', 'Failed', 'Refused', 'Send a test delivery'])
  expect(await links('patient')).toEqual(['Records', 'Deliveries', 'Refused', 'Send a test delivery'])
  await source('default').getByRole('link', { name: 'Refused' }).click()
  await page.getByRole('heading', { name: 'Refused' }).waitFor()
  expect(page.url()).toContain('source=default')
})

test('a test delivery shows the first answer and the duplicate beside each other', async () => {
  const page = await open(dashboard.page('#/test'))
  await page.getByLabel('Key').fill('tried')
  await page.getByLabel('Body').fill('{"try":1}')
  await page.getByRole('button', { name: 'Send twice' }).click()
  const panel = (title: string) => page.locator('section.panel', { has: page.getByRole('heading', { name: title }) })
  await panel('Duplicate').waitFor()
  expect(await panel('First').locator('mark').count()).toBe(0)
  expect(await panel('Duplicate').locator('.differs dt').allTextContents()).toContain('x-cached')
  await panel('Duplicate').getByText('The same body as the first.').waitFor()
  await page.getByRole('link', { name: 'tried' }).click()
  await page.getByText('Recorded response').waitFor()
})
