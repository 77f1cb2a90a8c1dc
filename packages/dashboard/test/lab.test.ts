import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useBrowser } from './support/browser.js'
import { type Dashboard, startDashboard, stopServers, TOKEN } from './support/server.js'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const open = useBrowser()
let dashboard: Dashboard

beforeAll(async () => {
  dashboard = await startDashboard({ HOOKONCE_ADMIN_TOKEN: TOKEN })
})
afterAll(stopServers)

async function openLab(source: string): Promise<Page> {
  const page = await open(dashboard.page(`#token=${TOKEN}`))
  await page.getByRole('heading', { name: 'Health' }).waitFor()
  await page.goto(dashboard.page(`#/test/${source}`))
  await expect.poll(() => bodyOf(page).inputValue()).not.toBe('')
  return page
}

const bodyOf = (page: Page) => page.getByRole('textbox', { name: 'Body' })

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 100)}`))
}

test('a type of event fills in its body, which can be changed', async () => {
  const page = await openLab('signed')
  expect(await page.getByLabel('Event').locator('option').allTextContents()).toEqual([
    'push',
    'pull_request',
    'issues',
    'ping',
  ])
  await page.getByLabel('Event').selectOption('issues')
  await expect.poll(() => bodyOf(page).inputValue()).toContain('"action": "opened"')
  const keyOf = async () => {
    await press(page, 'Send twice')
    const link = page.getByRole('status').filter({ hasText: 'Sent twice' }).getByRole('link')
    return (await link.textContent())!
  }
  const first = await keyOf()
  // As it stands, another event each time.
  await expect.poll(keyOf).not.toBe(first)
  await bodyOf(page).fill('{"mine":1}')
  const mine = await keyOf()
  await expect.poll(keyOf).toBe(mine)
})

test('a tampered delivery is refused, and its diagnosis is a link away', async () => {
  const page = await openLab('signed')
  await page.getByLabel('What is wrong').selectOption('body')
  await press(page, 'Send tampered')
  await page.getByText('It was answered 401, and nothing ran.').waitFor()
  await page.getByText('The signature is right for the body').waitFor()
  expect(await faultsOf(page)).toEqual([])
  await page.getByRole('link', { name: 'The refused delivery' }).click()
  await page.getByRole('heading', { name: 'Refused delivery' }).waitFor()
  await page.getByText('The signature is right for the body').waitFor()
  await page.goBack()
  await page.getByLabel('What is wrong').selectOption('timestamp')
  await press(page, 'Send tampered')
  await page.getByRole('alert').getByText('signs no time').waitFor()
})

describe.each([
  ['signed', 'Ran'],
  ['orders', 'Accepted'],
])('to %s', (source, what) => {
  test('a hundred duplicates run once', async () => {
    const page = await openLab(source)
    await press(page, 'Send 100 at once')
    await page.getByText('Done: the event').waitFor()
    await page.getByText('100 of 100 answered').waitFor()
    const tile = page.locator('.tile', { has: page.getByText(what, { exact: true }) })
    expect(await tile.locator('dd').first().textContent()).toBe('1')
    await page.getByText('1 attempt in 1 process, 1 result.').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.setViewportSize({ width: 360, height: 740 })
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
  })

  test('a crash is seen, and how it is healed', async () => {
    const page = await openLab(source)
    await press(page, 'Crash and heal')
    await page.getByText('That was simulated').waitFor()
    await page.getByText('The key is held for').waitFor()
    await page.getByText('Done: the event').waitFor()
    await page.getByText('2 attempts in 2 processes, 1 lost, 1 result.').waitFor()
    await page.getByText('Attempt 2 took the key over, ran, and its result is recorded.').waitFor()
    expect(await faultsOf(page)).toEqual([])
  })
})
