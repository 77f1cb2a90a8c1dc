// Builds what is missing or older than its source, and of that what runs: types are for `npm run build`.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = ['packages/hookonce', 'packages/server'].map(path => join(root, path))
const dashboard = join(root, 'packages/dashboard')

export function buildStale() {
  if (packages.some(folder => isStale(join(folder, 'dist/index.js'), folder))) {
    process.stderr.write('building…\n')
    for (const script of ['generate-sql.mjs', 'generate-lua.mjs', 'build-packages.mjs'])
      run(join(root, 'scripts', script))
  }
  if (isStale(join(root, 'packages/server/dist/dashboard/index.html'), dashboard)) {
    process.stderr.write('building the dashboard…\n')
    run(join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn', dashboard)
  }
}

function isStale(built, folder) {
  return !existsSync(built) || newest(join(folder, 'src')) > statSync(built).mtimeMs
}

function newest(folder) {
  const times = readdirSync(folder, { recursive: true }).map(name => statSync(join(folder, name)).mtimeMs)
  return Math.max(...times)
}

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(status ?? 1)
}
