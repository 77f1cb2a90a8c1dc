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
    reported('Building the library and the server', () => {
      for (const script of ['generate-sql.mjs', 'generate-lua.mjs', 'build-packages.mjs'])
        run(join(root, 'scripts', script))
    })
  }
  if (isStale(join(root, 'packages/server/dist/dashboard/index.html'), dashboard)) {
    reported('Building the dashboard', () => {
      run(join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn', dashboard)
    })
  }
}

/** On stderr: stdout is the command's own. */
function reported(what, build) {
  const begunAt = performance.now()
  process.stderr.write(`${what} … `)
  build()
  process.stderr.write(`${((performance.now() - begunAt) / 1000).toFixed(1)} s\n`)
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
