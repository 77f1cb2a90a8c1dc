// `npm run dev`: the server, rebuilt and restarted whenever a source file changes. Ctrl-C ends it all.
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildStale } from './build-stale.mjs'
import { endWithParent } from './end-with-parent.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const projects = ['packages/hookonce', 'packages/server'].map(path => join(root, path))
const RESTART_DELAY_MS = 200

buildStale()
const compiler = spawn(process.execPath, [tsc, '-b', '--watch', '--preserveWatchOutput', ...projects], {
  stdio: 'inherit',
})
let ending = false
let restartAsked = false
let restartTimer
let server = start()

for (const folder of projects) {
  watch(join(folder, 'dist'), { recursive: true }, () => {
    clearTimeout(restartTimer)
    restartTimer = setTimeout(restart, RESTART_DELAY_MS)
  })
}
endWithParent()
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
