import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useBrowser } from './support/browser.js'
import { type Passed, startProxy, stopProxies } from './support/proxy.js'
import { type Dashboard, startDashboard, stopServers, TOKEN } from './support/server.js'

const PREFIX = '/ops/hooks-admin'

const open = useBrowser()
let dashboard: Dashboard
let url: string
let passed: Passed[]

beforeAll(async () => {
  dashboard = await startDashboard({ HOOKONCE_ADMIN_TOKEN: TOKEN })
  ;({ url, passed } = await startProxy([dashboard.url], PREFIX))
})
afterAll(() => {
  stopProxies()
  stopServers()
})

async function logIn(page: Page): Promise<void> {
  await page.getByLabel('Admin token').fill(TOKEN)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Health' }).waitFor()
}

test.each(['/dashboard', '/dashboard/'])('behind a proxy that removes a path, %s works on every page', async place => {
  const page = await open(url + place)
  const strays: string[] = []
  page.on('request', request => {
    if (!request.url().startsWith(`${url}/`)) strays.push(request.url())
  })
  await logIn(page)
  await page.getByText('Live', { exact: true }).waitFor()
  await dashboard.deliver('/hooks/orders', `of ${place}`.replaceAll(' ', '_'), '{"id":1}')
  await page.getByRole('table', { name: 'Latest deliveries' }).getByText('orders').first().waitFor()

  await page.getByRole('link', { name: 'Records' }).click()
  await page.getByRole('link', { name: `of_${place}`, exact: true }).click()
  await page.locator('section.panel', { hasText: 'Recorded response' }).waitFor()
  await page.getByRole('link', { name: 'Dead letters' }).click()
  await page.getByRole('heading', { name: 'Dead letters' }).waitFor()
  await page.getByRole('link', { name: 'Sources' }).click()
  await page
    .getByText('/hooks/orders')
    .or(page.getByText('orders', { exact: true }))
    .first()
    .waitFor()

  await page.getByRole('link', { name: 'Test', exact: true }).click()
  await page.getByRole('button', { name: 'Send twice' }).click()
  await page.getByRole('heading', { name: 'Duplicate' }).waitFor()

  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Admin token').waitFor()
  expect(await page.context().cookies()).toEqual([])
  expect(strays).toEqual([])
  expect(passed.map(({ path }) => path)).toContain(`${PREFIX}/api/stream`)
})

test('the cookie goes to this server only, not to others on the same host', async () => {
  const page = await open(`${url}/dashboard`)
  await logIn(page)
  expect(await page.context().cookies()).toMatchObject([{ path: `${PREFIX}/`, httpOnly: true, sameSite: 'Strict' }])
})

test('the index, the page of the docs and its login stay below that path', async () => {
  const page = await open(`${url}/`)
  await page.getByRole('link', { name: 'Open the dashboard' }).click()
  await page.getByLabel('Admin token').waitFor()
  await page.goto(`${url}/docs`)
  await page.getByLabel('Token').fill(TOKEN)
  await page.keyboard.press('Enter')
  await page.getByText('GET /api/records', { exact: true }).first().waitFor()
  expect(await page.context().cookies()).toMatchObject([{ path: `${PREFIX}/` }])
  const [answer] = await Promise.all([
    page.waitForResponse(`${url}/openapi.json`),
    page.getByRole('link', { name: 'OpenAPI 3.1' }).click(),
  ])
  expect(answer.status()).toBe(200)
})
