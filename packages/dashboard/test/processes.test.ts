import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../../server/test/support/server.js'
import { useBrowser } from './support/browser.js'
import { type Passed, startProxy, stopProxies } from './support/proxy.js'
import { type Dashboard, startDashboard, stopServers, TOKEN } from './support/server.js'

const open = useBrowser()
let processes: Dashboard[]
let url: string
let passed: Passed[]

beforeAll(async () => {
  const file = join(temporaryFolder(), 'hookonce.db')
  const start = () => startDashboard({ HOOKONCE_ADMIN_TOKEN: TOKEN, HOOKONCE_STORE_URL: `sqlite:${file}` })
  processes = [await start(), await start()]
  ;({ url, passed } = await startProxy(processes.map(({ url }) => url)))
})
afterAll(() => {
  stopProxies()
  stopServers()
})

/** Does it twice, so that each process answers. */
async function inEach(page: Page, path: string, act: () => Promise<unknown>): Promise<void> {
  passed.length = 0
  for (let time = 0; time < 2; time++) {
    const answered = page.waitForResponse(response => new URL(response.url()).pathname === path)
    await act()
    expect([path, (await answered).status()]).toEqual([path, 200])
  }
  const answering = passed.filter(({ path: at }) => at.split('?')[0] === path).map(({ upstream }) => upstream)
  expect([path, new Set(answering).size]).toEqual([path, 2])
}

test('one login is one in each process: behind a balancer that takes turns every page works', async () => {
  await processes[0]!.deliver('/hooks/orders', 'done', '{"id":1}')
  const page = await open(`${url}/dashboard`)
  await page.getByLabel('Admin token').fill(TOKEN)
  await page.keyboard.press('Enter')
  const live = page.getByText('Live', { exact: true })
  await live.waitFor()
  const go = (name: string) => page.getByRole('link', { name, exact: true }).click()
  for (const [name, path] of [
    ['Records', '/api/records'],
    ['Dead letters', '/webhook/events'],
    ['Sources', '/api/sources'],
  ] as const) {
    await inEach(page, path, async () => {
      await go('Health')
      await page.getByRole('heading', { name: 'Health' }).waitFor()
      await go(name)
    })
  }
  await go('Test')
  await inEach(page, '/api/test', () => page.getByRole('button', { name: 'Send twice' }).click())
  await go('Health')
  await inEach(page, '/api/stream', async () => {
    await page.reload()
    await live.waitFor()
  })
  await page.goto(`${url}/dashboard#/records/orders/done`)
  await page.getByText('Recorded response').waitFor()
  await inEach(page, '/api/record', () => page.getByRole('button', { name: 'Refresh' }).click())
  await page.goto(`${url}/docs`)
  await inEach(page, '/docs', () => page.reload())
})
