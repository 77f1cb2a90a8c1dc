import { renameSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { run } from '../test-tools/run.js'
import { deliverTwice } from './deliver-twice.js'
import { folderOfItsOwn, must, platformTool, project, serve, tool } from './project.js'

const nodes = Object.values(inject('nodes'))
const [oldest, newest] = [nodes[0]!, nodes.at(-1)!]

async function esbuild(folder: string, format: string, file: string): Promise<string> {
  const options = ['--bundle', '--minify', '--platform=node', `--format=${format}`, `--outfile=${file}`]
  await must(folder, platformTool('@esbuild', 'bin/esbuild'), ['server.mjs', ...options])
  return file
}

/** Each bundles `server.mjs`, with nothing said about this package, and gives the file. */
const BUNDLERS: Record<string, (folder: string) => Promise<string>> = {
  'esbuild, to ES modules': folder => esbuild(folder, 'esm', 'bundle.mjs'),
  'esbuild, to CommonJS': folder => esbuild(folder, 'cjs', 'bundle.cjs'),
  async webpack(folder) {
    await must(folder, newest, ['webpack.mjs'])
    return 'bundle.cjs'
  },
  async Rollup(folder) {
    const plugins = ['--plugin', '@rollup/plugin-node-resolve', '--plugin', '@rollup/plugin-commonjs']
    const output = ['--file', 'bundle.mjs', '--format', 'es', '--failAfterWarnings']
    await must(folder, newest, [tool('rollup/dist/bin/rollup'), 'server.mjs', ...output, ...plugins])
    return 'bundle.mjs'
  },
  async Vite(folder) {
    await must(folder, newest, [tool('vite/bin/vite.js'), 'build'])
    return 'out/bundle.mjs'
  },
}

/** A folder with nothing but the bundle. */
async function bundled(bundle: (folder: string) => Promise<string>): Promise<{ folder: string; file: string }> {
  const source = project('application.mjs', 'server.mjs', 'webpack.mjs', 'vite.config.mjs')
  const path = await bundle(source)
  const file = basename(path)
  const folder = folderOfItsOwn()
  renameSync(join(source, path), join(folder, file))
  return { folder, file }
}

test.each(Object.entries(BUNDLERS))(
  '%s: the bundle alone records, replays and commits in SQLite',
  async (_, bundle) => {
    const { folder, file } = await bundled(bundle)
    const { url } = await serve(folder, [newest, file, 'hookonce.db'])
    await deliverTwice(`${url}/plain`)
    await deliverTwice(`${url}/commit`)

    symlinkSync(tool(''), join(folder, 'node_modules'))
    const beforeNode24 = await serve(folder, [oldest, file, 'hookonce.db'])
    await deliverTwice(`${beforeNode24.url}/commit`)
  },
)

test('below Node.js 24, a bundle without its driver says at once what to deploy with it', async () => {
  const { folder, file } = await bundled(BUNDLERS['esbuild, to ES modules']!)
  const { code, output } = await run(oldest, [file, 'hookonce.db'], process.env, folder)
  expect(code).toBe(1)
  expect(output).toContain('deploy node_modules/@photostructure/sqlite with it')
})
