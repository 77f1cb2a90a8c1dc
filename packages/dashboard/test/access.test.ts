import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers, TOKEN } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard({ HOOKONCE_ADMIN_TOKEN: TOKEN })
})
afterAll(stopServers)

async function logIn(page: Page, token = TOKEN): Promise<void> {
  await page.getByLabel('Admin token').fill(token)
  await page.keyboard.press('Enter')
}

const start = (page: Page) => page.getByRole('heading', { name: 'Health' })

test('a wrong token is said to be wrong, the right one leads in', async () => {
  const page = await open(dashboard.page())
  await logIn(page, 'not-the-token')
  await page.getByText('This is not the token').waitFor()
  await logIn(page)
  await start(page).waitFor()
})

test('the token is in no URL, no storage and no cookie; the cookie is closed to scripts', async () => {
  const page = await open(dashboard.page())
  const urls: string[] = []
  page.on('request', request => urls.push(request.url()))
  await logIn(page)
  await start(page).waitFor()
  const kept = await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])')
  expect(`${urls.join()} ${page.url()} ${kept}`).not.toContain(TOKEN)
  const cookies = await page.context().cookies()
  expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict', path: '/' }])
  expect(JSON.stringify(cookies)).not.toContain(TOKEN)
})

test('a link to a page leads there after the login', async () => {
  const page = await open(dashboard.page('#/sources'))
  await logIn(page)
  await page.getByRole('heading', { name: 'Sources' }).waitFor()
})

test('whoever logs out is out', async () => {
  const page = await open(dashboard.page())
  await logIn(page)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.getByLabel('Admin token').waitFor()
  await page.reload()
  await page.getByLabel('Admin token').waitFor()
})

test('a session that is over asks for the token again, and goes on where one was', async () => {
  const page = await open(dashboard.page('#/records'))
  await logIn(page)
  await page.getByRole('heading', { name: 'Records' }).waitFor()
  await page.context().clearCookies()
  // The page may notice by itself before it is made to ask.
  const over = page.getByText('Your session is over')
  await page.getByRole('button', { name: 'Refresh' }).or(over).first().click()
  await over.waitFor()
  await logIn(page)
  await page.getByRole('heading', { name: 'Records' }).waitFor()
})

test('a link with the token leads in, and leaves no token in the address bar', async () => {
  const page = await open(dashboard.page(`#token=${TOKEN}`))
  await start(page).waitFor()
  expect(page.url()).toBe(dashboard.page())
  await page.reload()
  await start(page).waitFor()
})

test('a link with the token leads in from the login too', async () => {
  const page = await open(dashboard.page('#/sources'))
  await page.getByLabel('Admin token').waitFor()
  await page.goto(dashboard.page('#token=not-the-token'))
  await page.getByText('This is not the token').waitFor()
  await page.goto(dashboard.page(`#token=${TOKEN}`))
  await start(page).waitFor()
  expect(page.url()).toBe(dashboard.page())
})

test('a link with a wrong token asks for the right one, and says why', async () => {
  const page = await open(dashboard.page('#token=not-the-token'))
  await page.getByText('This is not the token').waitFor()
  expect(page.url()).toBe(dashboard.page())
  await logIn(page)
  await start(page).waitFor()
})

test('a link to the page of the docs leads in as well', async () => {
  const page = await open(`${dashboard.url}/docs#token=${TOKEN}`)
  await page.getByRole('heading', { name: 'Hookonce' }).waitFor()
  await page.getByText('GET /api/records', { exact: true }).first().waitFor()
  expect(page.url()).toBe(`${dashboard.url}/docs`)
})

test('where nobody gets in, it says how to', async () => {
  // Said to be none, so that the tests' own is not set.
  const closed = await startDashboard({ HOST: '0.0.0.0', HOOKONCE_ADMIN_TOKEN: '' })
  const page = await open(closed.page().replace('0.0.0.0', '127.0.0.1'))
  await page.getByRole('heading', { name: 'The dashboard is closed' }).waitFor()
  await page.getByText('HOOKONCE_ADMIN_TOKEN').waitFor()
})
