import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, type ExpectStatic, test } from 'vitest'
import { send } from '../support/http.js'
import { temporaryFolder } from '../support/server.js'
import { startUpstream } from '../support/upstream.js'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

const groups = new Set<ChildProcess>()
afterAll(() => {
  for (const { pid } of groups) {
    try {
      process.kill(-pid!, 'SIGKILL')
    } catch {
      // Nobody of it is left.
    }
  }
})

/** Runs an npm script as a terminal does: in a process group of its own. */
async function startScript(script: string, forwardTo: string, expect: ExpectStatic) {
  const { PATH, HOME } = process.env
  const child = spawn('npm', ['run', '--silent', script], {
    cwd: ROOT,
    detached: true,
    env: {
      PATH,
      HOME,
      PORT: '0',
      INIT_CWD: temporaryFolder(),
      HOOKONCE_STORE_URL: 'memory:',
      HOOKONCE_FORWARD_TO: forwardTo,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  groups.add(child)
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    stdout += chunk
  })
  const exited = new Promise<number | null>(resolve =>
    child.on('close', code => {
      groups.delete(child)
      resolve(code)
    }),
  )
  const url = () => /"urls":\["([^"]+)".*"msg":"listening"/.exec(stdout)?.[1]
  await expect.poll(url, { timeout: 30_000 }).toBeDefined()
  return { pid: child.pid!, url: url()!, stdout: () => stdout, exited }
}

const CASES = ['start', 'dev'].flatMap(script =>
  (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).flatMap(signal =>
    ['process group', 'process'].map(target => [script, signal, target] as const),
  ),
)

test.concurrent.for(CASES)('npm run %s: %s to its %s drains', async ([script, signal, target], { expect }) => {
  const upstream = await startUpstream()
  upstream.shutGate()
  const started = await startScript(script, upstream.url, expect)
  const answer = send(`${started.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' } })
  answer.catch(() => {})
  await upstream.called(1)
  process.kill(target === 'process' ? started.pid : -started.pid, signal)
  await expect.poll(started.stdout, { timeout: 20_000 }).toContain('"msg":"shutting down"')
  upstream.openGate()
  expect((await answer).status).toBe(200)
  await expect.poll(started.stdout, { timeout: 20_000 }).toContain('"msg":"stopped"')
  // npm itself dies of SIGHUP.
  expect(await started.exited).toBe(signal === 'SIGHUP' ? null : 0)
  expect(upstream.calls).toHaveLength(1)
  upstream.close()
})
