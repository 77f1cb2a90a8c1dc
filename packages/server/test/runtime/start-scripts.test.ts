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

const COMMANDS = {
  'npm start': ['npm', 'start', '--silent'],
  'npm run dev': ['npm', 'run', '--silent', 'dev'],
  'npx hookonce': ['npx', 'hookonce'],
}

type Command = keyof typeof COMMANDS

/** Runs a command as a terminal does: in a process group of its own. */
async function startCommand(name: Command, forwardTo: string, expect: ExpectStatic) {
  const { PATH, HOME } = process.env
  const [command = '', ...args] = COMMANDS[name]
  const child = spawn(command, args, {
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

const CASES = (Object.keys(COMMANDS) as Command[])
  .flatMap(command =>
    (['SIGTERM', 'SIGINT', 'SIGHUP'] as const).flatMap(signal =>
      ['process group', 'process'].map(target => ({ command, signal, target })),
    ),
  )
  // npx alone hands no other signal on. A terminal sends them to the group.
  .filter(({ command, signal, target }) => command !== 'npx hookonce' || signal === 'SIGTERM' || target !== 'process')

test.concurrent.for(CASES)(
  '$command: $signal to its $target drains',
  async ({ command, signal, target }, { expect }) => {
    const upstream = await startUpstream()
    upstream.shutGate()
    const started = await startCommand(command, upstream.url, expect)
    const answer = send(`${started.url}/webhook`, { headers: { 'X-Idempotency-Key': 'a' } })
    answer.catch(() => {})
    await upstream.called(1)
    process.kill(target === 'process' ? started.pid : -started.pid, signal)
    await expect.poll(started.stdout, { timeout: 20_000 }).toContain('"msg":"shutting down"')
    upstream.openGate()
    expect((await answer).status).toBe(200)
    await expect.poll(started.stdout, { timeout: 20_000 }).toContain('"msg":"stopped"')
    // npm itself dies of SIGHUP, npx of any signal.
    expect(await started.exited).toBe(signal === 'SIGHUP' || command === 'npx hookonce' ? null : 0)
    expect(upstream.calls).toHaveLength(1)
    upstream.close()
  },
)
