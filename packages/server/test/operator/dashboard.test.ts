import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeApps, startApp } from '../support/app.js'
import { send } from '../support/http.js'

let url: string

beforeAll(async () => {
  url = (await startApp({ env: { HOOKONCE_ADMIN_TOKEN: 'a-long-enough-token' } })).url
})
afterAll(closeApps)

const get = (path: string, accepted?: string) =>
  send(url + path, { method: 'GET', headers: accepted === undefined ? {} : { 'accept-encoding': accepted } })

/** The files that the page loads, when it is opened here. */
async function assets(page = '/dashboard/'): Promise<string[]> {
  const { text } = await get(page)
  return [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => new URL(path!, url + page).pathname)
}

test('the page is public, not cached, and runs its own files only', async () => {
  for (const path of ['/dashboard', '/dashboard/']) {
    const { status, headers, text } = await get(path)
    expect([path, status]).toEqual([path, 200])
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    })
    const policy = String(headers['content-security-policy']).split('; ')
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]),
    )
    expect(policy.join()).not.toMatch(/unsafe|\*|https?:|data:/)
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style| style=| on[a-z]+=|https?:/)
  }
})

test('its files are immutable, and small', async () => {
  const files = await assets()
  expect(files.map(path => path.replace(/.*\./, '')).sort()).toEqual(['css', 'js', 'svg'])
  for (const path of files) {
    expect(path).toMatch(/^\/dashboard\/assets\/[a-z]+-[\w-]{8}\.\w+$/)
    const { status, headers, body } = await get(path)
    expect([path, status]).toEqual([path, 200])
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable')
    for (const [accepted, decode] of [
      ['gzip, deflate, br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const answer = await get(path, accepted)
      expect(answer.headers).toMatchObject({ ...(body.length >= 1_024 && { vary: 'accept-encoding' }) })
      const sent = answer.headers['content-encoding'] === undefined ? answer.body : decode(answer.body)
      expect([path, accepted, sent.equals(body)]).toEqual([path, accepted, true])
    }
  }
})

test('the first load is at most 180 KB, and 70 KB as a browser takes it', async () => {
  const load = async (accepted: string) => {
    const answers = await Promise.all(['/dashboard', ...(await assets())].map(path => get(path, accepted)))
    return answers.reduce((sum, { body }) => sum + body.length, 0)
  }
  expect(await load('identity')).toBeLessThanOrEqual(180_000)
  expect(await load('gzip')).toBeLessThanOrEqual(70_000)
  expect(await load('gzip, deflate, br, zstd')).toBeLessThan(await load('gzip'))
})

test('the page finds its files with a slash at its end and without', async () => {
  const text = (await get('/dashboard')).text
  expect(text).not.toMatch(/(src|href)="\//)
  expect(await assets('/dashboard')).toEqual(await assets('/dashboard/'))
})

test.each([
  '/dashboard/nothing',
  '/dashboard/assets/',
  '/dashboard/../../cli.js',
  '/dashboard/..%2f..%2fcli.js',
  '/dashboard/%2e%2e/cli.js',
])('there is nothing else: %s', async path => {
  expect((await get(path)).status).toBe(404)
})

test('the index links to it', async () => {
  const { text } = await send(`${url}/`, { method: 'GET', headers: { accept: 'text/html' } })
  expect(text).toContain('<a href="dashboard">')
})
