import { describe, expect, inject, test, vi } from 'vitest'
import { deliverTwice } from './deliver-twice.js'
import { must, platformTool, project, serve } from './project.js'

const APPS = ['server.mjs', 'server.cjs', 'both.mjs']

const COMMANDS: Record<string, () => [string, ...string[]]> = {
  ...Object.fromEntries(Object.entries(inject('nodes')).map(([version, node]) => [`Node.js ${version}`, () => [node]])),
  Bun: () => [platformTool('@oven', 'bin/bun')],
  Deno: () => [platformTool('@deno', 'deno'), 'run', '--allow-all'],
}

describe.each(Object.entries(COMMANDS))('%s', (_, command) => {
  test.each(APPS)('%s: records, replays and commits in SQLite', async app => {
    const folder = project('application.mjs', app)
    const { url } = await serve(folder, [...command(), app, 'hookonce.db'])
    await deliverTwice(`${url}/plain`)
    await deliverTwice(`${url}/commit`)
  })
})

describe('workerd', () => {
  const start = async () => {
    const folder = project('worker.mjs', 'workerd.mjs')
    const bundle = ['--bundle', '--format=esm', '--platform=neutral', '--external:node:*', '--outfile=out.mjs']
    await must(folder, platformTool('@esbuild', 'bin/esbuild'), ['worker.mjs', ...bundle])
    return serve(folder, [Object.values(inject('nodes')).at(-1)!, 'workerd.mjs', 'out.mjs'])
  }

  test('records and replays in memory', async () => {
    const { url } = await start()
    await deliverTwice(`${url}/plain`)
  })

  test('a delivery that the sender has not signed is refused', async () => {
    const { url } = await start()
    expect((await fetch(`${url}/signed`, { method: 'POST', body: '{}' })).status).toBe(401)
  })

  test("a handler's error is on the console", async () => {
    const { url, output } = await start()
    expect((await fetch(`${url}/broken`, { method: 'POST', body: '{}' })).status).toBe(500)
    await vi.waitUntil(() => output().includes('HOOKONCE_HANDLER_THREW'))
    expect(output()).toContain('the card was declined')
  })
})
