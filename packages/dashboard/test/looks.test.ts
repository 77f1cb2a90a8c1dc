import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { asOperator } from '../../server/test/support/operator.js'
import { faultsOf } from './support/axe.js'
import { useBrowser } from './support/browser.js'
import { type Dashboard, HOSTILE_KEY, killOrders, startDashboard, stopServers, TOKEN } from './support/server.js'

const LONG_KEY = 'a'.repeat(255)

const open = useBrowser()
let dashboard: Dashboard
let locked: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
  locked = await startDashboard({ HOOKONCE_ADMIN_TOKEN: TOKEN })
  await killOrders(dashboard, { dead: `${'a long tale of what went wrong, '.repeat(20)}${LONG_KEY}` })
  await dashboard.deliver('/webhook', LONG_KEY, '{}')
  await dashboard.deliver('/webhook', LONG_KEY, '{"other":1}')
  await dashboard.deliver('/webhook', HOSTILE_KEY, '{}')
  await dashboard.deliver('/hooks/payments', 'a-payment', '{"fail":9}')
  await dashboard.deliver('/hooks/signed', 'unsigned', '{}')
  await dashboard.deliver('/hooks/orders', 'reused', '{"order":1,"lines":[{"count":1}]}')
  await dashboard.deliver('/hooks/orders', 'reused', `{"order":2,"lines":[{"count":"${'9'.repeat(300)}"}]}`)
  PAGES.push(['a refused delivery', await refusedOf('signed'), 'Verify again'])
  PAGES.push(['a reused key', await refusedOf('orders'), 'lines.0.count'])
})

/** The page of the only refused delivery of a source. */
async function refusedOf(source: string): Promise<string> {
  const url = `${dashboard.url}/api/refused?source=${source}`
  const listed = async () => {
    const response = await fetch(url, { headers: asOperator(url) })
    return ((await response.json()) as { refused: { id: string }[] }).refused
  }
  const [refused] = await vi.waitUntil(async () => (await listed()).length === 1 && listed(), { timeout: 20_000 })
  return `#/refused/${source}/${refused!.id}`
}
afterAll(stopServers)

/** Every page, and what is there when it is whole. */
const PAGES: [name: string, place: string, whole: string][] = [
  ['records', '#/records', HOSTILE_KEY],
  ['one record', '#/records/orders/dead', 'Last error'],
  ['a long key', `#/records/default/${LONG_KEY}`, 'Recorded response'],
  ['no record', '#/records/default/none', 'Look for it'],
  ['dead letters', '#/dead', 'Redrive'],
  ['health', '#/health', 'alive'],
  ['health of a month', '#/health?range=30d', 'alive'],
  ['deliveries', '#/deliveries', 'a-payment'],
  ['one delivery', '#/deliveries/payments/a-payment', 'What became of it'],
  ['failed', '#/failed', 'a-payment'],
  ['refused', '#/refused', 'A header is missing'],
  ['sources', '#/sources', 'acknowledged here'],
  ['test', '#/test', 'Send twice'],
  ['nowhere', '#/nowhere', 'There is no such page'],
]

/** How far the page is wider than its window. */
const overflow = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')

describe.each(['light', 'dark'] as const)('in the %s theme', colorScheme => {
  test('no page has a fault that axe finds', async () => {
    const page = await open(dashboard.page(), { colorScheme, reducedMotion: 'reduce' })
    for (const [name, place, whole] of PAGES) {
      await page.goto(dashboard.page(place))
      await page.getByText(whole).first().waitFor()
      expect([name, await faultsOf(page)]).toEqual([name, []])
    }
    await page.goto(dashboard.page('#/records/orders/dead'))
    await page.getByRole('button', { name: 'Delete…' }).click()
    expect(await faultsOf(page)).toEqual([])
  })

  test('nor has the login', async () => {
    const page = await open(locked.page(), { colorScheme })
    await page.getByLabel('Admin token').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('This is not the token').waitFor()
    expect(await faultsOf(page)).toEqual([])
  })
})

test('on a phone nothing is wider than the screen', async () => {
  const page = await open(dashboard.page(), { viewport: { width: 360, height: 740 }, hasTouch: true })
  for (const [name, place, whole] of PAGES) {
    await page.goto(dashboard.page(place))
    await page.getByText(whole).first().waitFor()
    expect([name, await overflow(page)]).toEqual([name, 0])
  }
})

test('it is as dark as the system, and the switch says otherwise until it is switched back', async () => {
  const page = await open(dashboard.page(), { colorScheme: 'dark' })
  const brightness = () =>
    page.evaluate<number>(
      'getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).reduce((a, b) => a + +b, 0)',
    )
  await page.getByRole('button', { name: 'Use the light theme' }).click()
  expect(await brightness()).toBeGreaterThan(600)
  await page.reload()
  await page.getByRole('button', { name: 'Use the dark theme' }).click()
  expect(await brightness()).toBeLessThan(150)
  await page.emulateMedia({ colorScheme: 'light' })
  await page.getByRole('button', { name: 'Use the dark theme' }).waitFor()
  expect(await brightness()).toBeGreaterThan(600)
})

test('keys alone lead through the pages, and the reader is put where the page begins', async () => {
  const page = await open(dashboard.page('#/test'))
  await page.getByRole('heading', { name: 'Test lab' }).waitFor()
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the page')
  for (const expected of ['Hookonce', 'Health', 'Deliveries', 'Records']) {
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe(expected)
  }
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Records' }).waitFor()
  await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('main')
  expect(await page.title()).toBe('Records · Hookonce')
})
