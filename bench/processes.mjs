/** The processes of a run, which all end with it. */
import { fork, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const children = new Set()

function keep(child) {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

export function endAll() {
  for (const child of children) child.kill('SIGKILL')
}
process.once('exit', endAll)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** A server that prints its URL once it listens. `script` and `args` are relative to this folder. */
export async function startServer(script, env, args = []) {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = keep(
    spawn(process.execPath, [path, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url !== undefined) return { url, pid: child.pid, end: () => child.kill('SIGKILL') }
  }
  throw new Error(`${script} did not start`)
}

/** Hookonce's server with its default settings, except for `env`. */
export const startHookonce = (storeUrl, env = {}, args = []) =>
  startServer(
    '../packages/server/dist/cli.js',
    { HOST: '127.0.0.1', PORT: '0', HOOKONCE_STORE_URL: storeUrl, ...env },
    args,
  )

/** A process that answers one message at a time. */
export function startWorker(script) {
  const child = keep(fork(fileURLToPath(new URL(script, import.meta.url))))
  return {
    ask: message =>
      new Promise((resolve, reject) => {
        const ended = () => reject(new Error(`${script} ended`))
        child.once('exit', ended)
        child.once('message', answer => {
          child.off('exit', ended)
          resolve(answer)
        })
        child.send(message)
      }),
    end: () => child.kill('SIGKILL'),
  }
}
