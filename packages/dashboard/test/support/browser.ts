import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { operatorCookie } from '../../../server/test/support/operator.js'

const PATIENCE_MS = 10_000
/** What a browser says of an answer that is meant: 401, 404, 503. */
const MEANT = /^Failed to load resource: the server responded with a status of (4|503)|net::ERR_/

/**
 * Pages for the tests of a file, each in a profile of its own, which is logged in where the server's tests are. A page that runs into an error, breaks its own policy
 * or opens a dialog that no test asked for fails its test.
 */
export function useBrowser(): (url: string, options?: BrowserContextOptions) => Promise<Page> {
  let browser: Browser
  const faults: string[] = []

  beforeAll(async () => {
    const executablePath = await requireTool('chromium')
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  }, TOOL_TIMEOUT_MS)
  afterAll(() => browser?.close())
  afterEach(async () => {
    await Promise.all(browser.contexts().map(context => context.close()))
    expect(faults.splice(0)).toEqual([])
  })

  return async (url, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
    context.setDefaultTimeout(PATIENCE_MS)
    const cookie = await operatorCookie(url)
    if (cookie !== undefined) await context.addCookies([{ ...cookie, url, httpOnly: true, sameSite: 'Strict' }])
    const page = await context.newPage()
    page.on('pageerror', error => faults.push(error.message))
    page.on('dialog', dialog => {
      faults.push(`a dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('console', message => {
      if (message.type() === 'error' && !MEANT.test(message.text())) faults.push(message.text())
    })
    await page.goto(url)
    return page
  }
}
