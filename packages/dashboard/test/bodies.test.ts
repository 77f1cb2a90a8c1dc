import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers } from './support/server.js'

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard()
})
afterAll(stopServers)

/** Each of them froze a page that lays out all of it at once. */
const HEAVY: Record<string, string> = {
  nested: '['.repeat(32_000) + ']'.repeat(32_000),
  nested_objects: '{"a":'.repeat(32_000) + 1 + '}'.repeat(32_000),
  members: `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join()}}`,
  one_string: `"${'x'.repeat(1_048_000)}"`,
  escapes: `"${'\\u202e'.repeat(170_000)}"`,
  numbers: `[${'1,'.repeat(500_000)}1]`,
}

/** Far below what a person bears, and above what a machine with other things to do makes of the 200 ms that are meant. */
const PATIENCE_MS = 1_000
const MOST_NODES = 15_000

describe.each(Object.keys(HEAVY))('a heavy body: %s', name => {
  test('is shown, and the page answers clicks meanwhile', async () => {
    const answer = await dashboard.deliver('/hooks/orders', name, HEAVY[name]!)
    expect(answer.status).toBe(202)
    const page = await open(dashboard.page(`#/records/orders/${name}`))
    const panel = page.locator('section.panel', { hasText: 'Delivery' }).first()
    const body = panel.getByRole('region')
    await body.waitFor()
    const nodes = () => page.evaluate('document.querySelectorAll("*").length') as Promise<number>
    const chosen = (view: string) => panel.getByRole('radio', { name: view, exact: true }).isChecked()
    expect([await chosen('JSON'), (await nodes()) < MOST_NODES]).toEqual([true, true])

    await panel.getByRole('button', { name: /^Show all/ }).click()
    // As a reader does who clicks while it fills: each click is answered before the next.
    for (const view of ['Text', 'Hex', 'JSON']) {
      const took = await page.evaluate(`new Promise(resolve => {
        const radio = [...document.querySelectorAll('.segments label')].find(label => label.textContent === '${view}')
        const clickedAt = performance.now()
        radio.click()
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - clickedAt)))
      })`)
      expect(took).toBeLessThan(PATIENCE_MS)
      expect(await chosen(view)).toBe(true)
    }
    await expect.poll(() => body.getAttribute('aria-busy'), { timeout: 30_000 }).toBe('false')
    expect(await nodes()).toBeLessThan(MOST_NODES)
  })
})

test('all of a body is there once it is asked for, in each view', async () => {
  const json = `[${Array.from({ length: 20_000 }, (_, i) => i).join()}]`
  await dashboard.deliver('/hooks/orders', 'all', json)
  const page = await open(dashboard.page('#/records/orders/all'))
  const panel = page.locator('section.panel', { hasText: 'Delivery' }).first()
  const body = panel.getByRole('region')
  await panel.getByRole('button', { name: /^Show all/ }).click()
  await expect.poll(() => body.textContent()).toBe(JSON.stringify(JSON.parse(json), null, 2))
  await panel.getByText('Text', { exact: true }).click()
  await expect.poll(() => body.textContent()).toBe(json)
  await panel.getByText('Hex', { exact: true }).click()
  await expect.poll(async () => (await body.textContent())!.split('\n').length).toBe(Math.ceil(json.length / 16))
})

test('what nobody would see of somebody else’s text is shown', async () => {
  await dashboard.deliver('/hooks/orders', 'unseen', '{"fail":"\u202eevil\u009b31m"}')
  const page = await open(dashboard.page('#/records/orders/unseen'))
  await page.getByText('Last error. Error: ⟨U+202E⟩evil⟨U+009B⟩31m').waitFor()
  const panel = page.locator('section.panel', { hasText: 'Delivery' }).first()
  expect(await panel.getByRole('region').textContent()).toContain('"⟨U+202E⟩evil⟨U+009B⟩31m"')
})
