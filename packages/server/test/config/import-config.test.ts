import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SENDERS } from 'hookonce/senders'
import { afterAll, expect, test } from 'vitest'
import { runCli, startServer, stopServers, temporaryFolder } from '../support/server.js'

afterAll(stopServers)

/** Everything that a package says it exports. */
function exportsOf(folder: string): string[] {
  const path = new URL(`../../../${folder}/package.json`, import.meta.url)
  const { name, exports } = JSON.parse(readFileSync(path, 'utf8'))
  return Object.entries<unknown>(exports)
    .filter(([path, target]) => target !== null && path !== './package.json')
    .flatMap(([path]) => (path.includes('*') ? [...SENDERS.keys()].map(each => path.replace('*', each)) : [path]))
    .map(path => name + path.slice(1))
}

test.each(['ts', 'mjs', 'js'])(
  'in a folder without packages a config file in .%s imports those of the command',
  async type => {
    const cwd = temporaryFolder()
    const names = ['hookonce', 'server'].flatMap(exportsOf)
    expect(names).toContain('hookonce/senders/stripe')
    const lines = names.map((name, i) => `import * as m${i} from '${name}'`)
    const all = names.map((_, i) => `m${i}`).join(', ')
    writeFileSync(
      join(cwd, `hookonce.config.${type}`),
      `${lines.join('\n')}
import { defineConfig } from '@hookonce/server'
const empty = [${all}].filter(module => Object.keys(module).length === 0)
export default defineConfig({ storeUrl: 'memory:', sources: { ['empty-' + empty.length]: {} } })`,
    )
    const server = await startServer({ cwd })
    expect((await fetch(`${server.url}/hooks/empty-0`, { method: 'POST', body: '{}' })).status).toBe(200)
  },
)

test('another package that is missing is told', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), "import 'nowhere'\nexport default {}")
  const { code, stderr } = await runCli({ cwd })
  expect([code, stderr]).toEqual([2, expect.stringMatching(/cannot be loaded: Cannot find package 'nowhere'/)])
})
