// `npm run dev`: the server, rebuilt and restarted whenever a source file changes. Ctrl-C ends it all.
import { spawn, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const vite = join(root, 'node_modules/vite/bin/vite.js')
const dashboard = join(root, 'packages/dashboard')
const projects = ['packages/hookonce', 'packages/server'].map(path => join(root, path))

spawnSync(process.execPath, [tsc, '-b', ...projects], { stdio: 'inherit' })
spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn', dashboard], { stdio: 'inherit' })
const children = [
  spawn(process.execPath, [tsc, '-b', '--watch', '--preserveWatchOutput', ...projects], { stdio: 'inherit' }),
  spawn(
    process.execPath,
    ['--watch', '--watch-preserve-output', join(root, 'packages/server/dist/cli.js'), ...process.argv.slice(2)],
    { stdio: 'inherit', cwd: process.env.INIT_CWD ?? process.cwd() },
  ),
]

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end)
for (const child of children) child.on('exit', end)

function end() {
  for (const child of children) child.kill('SIGTERM')
}
