// `npm run dev`: the server, rebuilt and restarted whenever a source file changes. Ctrl-C ends it all.
import { spawn, spawnSync } from 'node:child_process'
import { watch } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildStale } from './build-stale.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const projects = ['packages/hookonce', 'packages/server'].map(path => join(root, path))
const REBUILD_DELAY_MS = 100

buildStale()
const { endWithNpm } = await import('../packages/server/dist/cli/end-with-npm.js')
// Says what is wrong with types; what runs is built without it.
const compiler = spawn(process.execPath, [tsc, '-b', '--watch', '--preserveWatchOutput', ...projects], {
  stdio: 'inherit',
})
const builder = join(root, 'scripts/build-packages.mjs')
let ending = false
let restartAsked = false
let rebuildTimer
let server = start()

for (const folder of projects) {
  watch(join(folder, 'src'), { recursive: true }, () => {
    clearTimeout(rebuildTimer)
    rebuildTimer = setTimeout(rebuild, REBUILD_DELAY_MS)
  })
}
endWithNpm()
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, end)

function start() {
  const child = spawn(process.execPath, [join(root, 'packages/server/dist/cli.js'), ...process.argv.slice(2)], {
    stdio: 'inherit',
    cwd: process.env.INIT_CWD ?? process.cwd(),
  })
  child.on('exit', code => {
    if (ending) process.exit(code ?? 1)
    if (restartAsked) restart()
  })
  return child
}

/** What does not build is said, and the server that runs goes on. */
function rebuild() {
  if (spawnSync(process.execPath, [builder], { stdio: 'inherit' }).status === 0) restart()
}

/** What runs is answered first. A server that ended by itself starts again with the next change. */
function restart() {
  if (ending) return
  if (!isRunning(server)) {
    restartAsked = false
    server = start()
  } else if (!restartAsked) {
    restartAsked = true
    server.kill('SIGTERM')
  }
}

function end() {
  ending = true
  compiler.kill()
  if (isRunning(server)) server.kill('SIGTERM')
  else process.exit(0)
}

function isRunning(child) {
  return child.exitCode === null && child.signalCode === null
}
