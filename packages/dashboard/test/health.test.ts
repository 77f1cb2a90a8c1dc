import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { send } from '../../server/test/support/http.js'
import { DAY, every, HOUR, MINUTE, writePast } from '../../server/test/support/past.js'
import { startServer, temporaryFolder } from '../../server/test/support/server.js'
import { faultsOf } from './support/axe.js'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers } from './support/server.js'

/** Nobody listens where `relayed` forwards. */
const CONFIG = `
import { acknowledge, forward } from '@hookonce/server'
const handle = acknowledge()
export default {
  sources: {
    ...{ quiet: { handle }, late: { handle }, lively: { handle }, new: { handle } },
    relayed: { mode: 'inbox', handle: forward('http://127.0.0.1:1') },
  },
}
`

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

test('a row says that a circuit breaker is open, where, and that a source is silent against its rhythm', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
  const file = join(cwd, 'hookonce.db')
  const store = sqliteStore(file)
  const now = Date.now()
  const of = (source: string, until: number) => ({ source, times: every(MINUTE, now - 3 * DAY, until), now })
  await writePast(store.journal!, of('quiet', now - 3 * HOUR))
  await writePast(store.journal!, of('late', now - 45 * MINUTE))
  await writePast(store.journal!, of('lively', now))
  await store.close()
  const server = await startServer({ cwd, env: { HOOKONCE_STORE_URL: `sqlite:${file}` } })
  const page = await open(`${server.url}/dashboard`)
  const row = (name: string) => page.getByRole('table', { name: 'Sources' }).getByRole('row', { name })
  const text = (name: string) => row(name).locator('td').first().textContent()
  await row('quiet')
    .getByText(/^silent for (3|2\.9) h$/)
    .waitFor()
  expect(await text('quiet')).toMatch(/usually at most 10 min between deliveries$/)
  const tone = (name: string) => row(name).getAttribute('class')
  expect(await Promise.all(['quiet', 'late', 'lively', 'new'].map(tone))).toEqual(['alarming', 'unusual', null, null])
  await row('lively').getByText('usually at most 10 min apart').waitFor()
  await row('new').getByText('none known').waitFor()

  expect(await text('relayed')).toBe('relayedcircuit closed')
  for (let i = 0; i < 5; i++) await send(`${server.url}/hooks/relayed`, { headers: { 'x-idempotency-key': `k${i}` } })
  await row('relayed')
    .getByText(/^circuit (half-)?open$/)
    .waitFor()
  expect(await text('relayed')).toMatch(new RegExp(`since .*:.* in server ${server.pid} on `))
  expect(await tone('relayed')).toMatch(/^(alarming|unusual)$/)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    expect([colorScheme, await faultsOf(page)]).toEqual([colorScheme, []])
  }
  await page.setViewportSize({ width: 360, height: 740 })
  await row('quiet').getByText('usually at most 10 min between deliveries').waitFor()
  expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBe(0)
})
