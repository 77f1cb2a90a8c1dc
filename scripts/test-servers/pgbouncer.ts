import { spawn } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { requireTool } from '../test-tools/index.js'
import { freePort } from './free-port.js'
import { unprivileged } from './unprivileged.js'

export interface PgBouncer {
  /** Leads to the server's database of the same name as its superuser. */
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/**
 * A PgBouncer of its own before a server on a loopback port. It is ended with this process at the latest.
 *
 * @throws {ToolMissingError}
 */
export async function startPgBouncer(
  server: { port: number },
  { mode = 'transaction', poolSize = 10 }: { mode?: 'transaction' | 'session'; poolSize?: number } = {},
): Promise<PgBouncer> {
  const command = await requireTool('pgbouncer')
  const user = unprivileged()
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-pgbouncer-'))
  const file = join(folder, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${server.port} user=postgres`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    'max_client_conn = 500',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  if (user.uid !== undefined) for (const path of [folder, file]) chownSync(path, user.uid, user.gid)

  const child = spawn(command, [file], { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const killNow = () => void child.kill('SIGKILL')
  process.once('exit', killNow)
  let output = ''
  let isRunning = true
  child.stderr.setEncoding('utf8').on('data', text => {
    output = (output + text).slice(-2000)
  })
  const closed = new Promise(resolve => child.once('close', resolve)).then(() => {
    isRunning = false
  })
  while (isRunning && !(await answers(port))) await delay(10)
  if (!isRunning) throw new Error(`${command} ended: ${output}`)

  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    async stop() {
      process.off('exit', killNow)
      child.kill('SIGTERM')
      await closed
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
