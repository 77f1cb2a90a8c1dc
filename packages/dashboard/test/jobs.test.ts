import { join } from 'node:path'
import { github } from 'hookonce/senders'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TOOL_TIMEOUT_MS } from '../../../scripts/test-tools/index.js'
import { onPostgres, onRedis, type SharedStore } from '../../server/test/process/support/stores.js'
import { temporaryFolder } from '../../server/test/support/server.js'
import { signed } from '../../server/test/support/signed.js'
import { useBrowser } from './support/browser.js'
import { type Fleet, startFleet } from './support/fleet.js'
import { stopProxies } from './support/proxy.js'
import { stopServers } from './support/server.js'

const open = useBrowser()
afterAll(() => {
  stopProxies()
  stopServers()
})

const MOST_STEPS = 3
const PATIENCE_MS = 50_000
/** Between two looks at what a page shows of all processes, which is known within seconds. */
const LOOKING = { interval: 500 }

/** An operator at work, who counts the steps from the first page on. */
class Job {
  readonly page: Page
  #steps = 0

  constructor(page: Page) {
    this.page = page
  }

  async click(target: Locator): Promise<void> {
    this.#steps++
    await target.click()
  }

  goTo(name: string): Promise<void> {
    return this.click(this.page.getByRole('link', { name, exact: true }).first())
  }

  press(name: string): Promise<void> {
    return this.click(this.page.getByRole('button', { name, exact: true }))
  }

  /** Fills in a field and sends the form. */
  async search(label: string, text: string): Promise<void> {
    this.#steps++
    await this.page.getByLabel(label).fill(text)
    await this.page.keyboard.press('Enter')
  }

  see(text: string | RegExp): Promise<void> {
    return this.page.getByText(text).first().waitFor({ timeout: PATIENCE_MS })
  }

  tookAtMost(steps: number): void {
    expect(this.#steps).toBeLessThanOrEqual(steps)
  }
}

/** What operators have to find out and to do, behind a proxy that takes turns between two processes. */
function jobs(store: Pick<SharedStore, 'fresh'>): void {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await startFleet(store.fresh())
  }, TOOL_TIMEOUT_MS)

  const job = (name: string, work: (job: Job) => Promise<void>) =>
    test(name, async () => {
      const page = await open(fleet.page)
      await page.getByRole('heading', { name: 'Health' }).waitFor()
      const job = new Job(page)
      await work(job)
      job.tookAtMost(MOST_STEPS)
    })

  job('what happened to an event', async job => {
    for (let time = 0; time < 3; time++) await fleet.deliver('payments', 'evt_X', '{"n":1}')
    await job.goTo('Records')
    await job.search('Key or label', 'evt_X')
    await job.goTo('evt_X')
    await job.see('1 attempt in 1 process, 1 result.')
    const duplicates = job.page.locator('.facts div', { hasText: 'Duplicates' }).locator('dd')
    await expect
      .poll(async () => {
        await job.page.getByRole('button', { name: 'Refresh' }).click()
        return duplicates.first().textContent()
      }, LOOKING)
      .toBe('2')
  })

  job('which sources fail, and why', async job => {
    await fleet.deliver('payments', 'why', '{"fail":9}')
    await job.goTo('Health')
    // What another process counted is there within a quarter of a minute.
    const row = job.page.getByRole('row', { name: 'payments' })
    await row.getByRole('link', { name: '%' }).waitFor({ timeout: PATIENCE_MS })
    await job.click(row.getByRole('link', { name: '%' }))
    await job.click(job.page.getByRole('link', { name: 'why', exact: true }))
    await job.see('the bank is away')
  })

  job('replay everything that failed, none twice', async job => {
    for (let i = 0; i < 20; i++) await fleet.deliver('payments', `failed-${i}`, '{"fail":1}')
    await job.goTo('Failed')
    await job.press('Replay all…')
    await job.click(job.page.getByRole('dialog').getByRole('button', { name: 'Replay' }))
    await job.see(/^\d+ replayed: \d+ have a result, 1 failed again\.$/)
    await job.page.goto(`${fleet.page.split('#')[0]}#/records/payments/failed-7`)
    await job.see('2 attempts in')
  })

  job('all attempts of one key', async job => {
    for (let time = 0; time < 4; time++) await fleet.deliver('payments', 'tried', '{"fail":3}')
    await job.goTo('Records')
    await job.search('Key or label', 'tried')
    await job.goTo('tried')
    const attempts = job.page.getByRole('table', { name: 'Attempts' }).locator('tbody tr')
    await expect.poll(() => attempts.count()).toBe(4)
    expect((await attempts.locator('td:first-child').allTextContents()).sort()).toEqual([
      '1 status 503',
      '2 status 503',
      '3 status 503',
      '4 recorded',
    ])
  })

  job('why was it refused', async job => {
    const stranger = github({ secrets: ['a-secret-of-somebody-else-0123'] })
    const { headers, body } = signed(stranger, { body: '{"n":1}' })
    await fetch(`${fleet.servers[0].url}/hooks/github`, { method: 'POST', headers, body })
    await job.goTo('Refused')
    const link = job.page.getByRole('link', { name: /signed with another secret/ })
    await expect
      .poll(async () => {
        await job.page.getByRole('button', { name: 'Refresh' }).click()
        return link.count()
      }, LOOKING)
      .toBe(1)
    await job.click(link)
    await job.see('Accept anyway…')
  })

  job('find the body with order 4711', async job => {
    for (let order = 4700; order < 4720; order++) await fleet.deliver('orders', `order-${order}`, `{"order":${order}}`)
    await job.goTo('Deliveries')
    await job.search('Body contains', '"order":4711')
    await job.see(/^1 found, \d+ looked at\.$/)
    await job.goTo('order-4711')
    await job.see('What became of it')
  })

  job('when did the hit rate drop', async job => {
    await job.goTo('Health')
    await job.click(job.page.getByRole('link', { name: '24h' }))
    await job.see('Shares')
    await job.see('answered from a record')
  })

  job('is anything red', async job => {
    for (let i = 0; i < 5; i++) await fleet.deliver('payments', `red-${i}`, '{"fail":9}', fleet.servers[0])
    await job.goTo('Health')
    const red = job.page.locator('tr.alarming', { hasText: 'payments' })
    await expect
      .poll(async () => {
        await job.page.reload()
        await job.page.getByRole('row', { name: 'payments' }).waitFor()
        return red.count()
      }, LOOKING)
      .toBe(1)
  })

  job('clear a stuck key', async job => {
    void fleet.deliver('stuck', 'held', '{}').catch(() => {})
    await expect
      .poll(async () => {
        await job.page.goto(`${fleet.page.split('#')[0]}#/records?key=held&nonce=${Math.random()}`)
        const link = job.page.getByRole('link', { name: 'held', exact: true })
        await link.or(job.page.getByText('Nothing fits')).waitFor()
        return link.count()
      }, LOOKING)
      .toBe(1)
    await job.goTo('held')
    await job.press('Delete…')
    await job.press('Delete by force')
    await job.see('The record is deleted.')
  })

  job('test as Stripe', async job => {
    await job.goTo('Test')
    await job.page.getByLabel('Source').selectOption('stripe')
    await job.press('Send twice')
    await job.page.getByRole('heading', { name: 'Duplicate' }).waitFor()
    await job.see('The same body as the first.')
  })

  job('watch a crash being healed', async job => {
    const [, doomed] = fleet.servers
    void fleet.deliver('healing', 'crashed', '{}', doomed).catch(() => {})
    await job.goTo('Records')
    await job.search('Key or label', 'crashed')
    await expect
      .poll(async () => {
        await job.page.getByRole('button', { name: 'Refresh' }).click()
        return job.page.getByRole('link', { name: 'crashed', exact: true }).count()
      }, LOOKING)
      .toBe(1)
    await job.goTo('crashed')
    await job.see('running')
    doomed.kill('SIGKILL')
    await doomed.exited
    await expect.poll(async () => (await fleet.deliver('healing', 'crashed', '{}', fleet.servers[0])).status).toBe(200)
    await job.see('2 attempts in 2 processes, 1 lost, 1 result.')
    const attempts = job.page.getByRole('table', { name: 'Attempts' }).locator('tbody td:first-child')
    expect((await attempts.allTextContents()).sort()).toEqual(['1 lost: no word', '2 recorded'])
  })
}

/** A file of its own for all the jobs: those of the process tests are removed after each test. */
const file = () => ({ HOOKONCE_STORE_URL: `sqlite:${join(temporaryFolder(), 'hookonce.db')}` })

describe('sqlite', () => jobs({ fresh: file }))
onRedis(jobs)
onPostgres(jobs)
