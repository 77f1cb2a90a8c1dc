import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { requireTool } from '../test-tools/index.js'
import { withLock } from '../test-tools/lock.js'
import { freePort } from './free-port.js'
import { unprivileged } from './unprivileged.js'

export interface PostgresOptions {
  /** Whether commits wait for the disk. What a killed server had is safe without; a measurement needs it. Default no. */
  fsync?: boolean
  /** More settings, as in postgresql.conf. */
  settings?: Record<string, string>
  /** Begins as a copy of that server, which streams to it what it writes from then on. Default: with nothing. */
  replicaOf?: { port: number }
}

export interface PostgresServer {
  /** Of the superuser `postgres`, who needs no password. */
  readonly url: string
  readonly port: number
  readonly folder: string
  /** Ends it in good order for good, and removes its folder. */
  stop(): Promise<void>
  /** Ends it at once (SIGQUIT): the next start recovers from the log. */
  stopImmediately(): Promise<void>
  /** SIGKILL to the server and all its processes. */
  kill(): Promise<void>
  /** Starts it again on the same port and files, after ending it in good order if it runs. Resolves when it answers. */
  restart(moreSettings?: Record<string, string>): Promise<void>
  /** Of a replica: it is the primary from now on. */
  promote(): void
  /** SIGSTOP to the server and all its processes. */
  pause(): void
  /** SIGCONT. */
  resume(): void
}

/** Copying a new server's files is much cheaper than `create`, which one process of a run of tests does for all. */
async function createOrCopy(folder: string, create: () => void): Promise<void> {
  const { TEST_RUN_FOLDER } = process.env
  if (TEST_RUN_FOLDER === undefined) return create()
  const first = join(TEST_RUN_FOLDER, 'postgres')
  const copy = (from: string, to: string) => execFileSync('cp', ['-Rp', from, to])
  if (!existsSync(first)) {
    await withLock(`${first}.lock`, async () => {
      if (existsSync(first)) return
      create()
      copy(folder, `${first}.new`)
      rmSync(folder, { recursive: true })
      renameSync(`${first}.new`, first)
    })
  }
  copy(first, folder)
}

/**
 * A Postgres server of its own on a loopback port. It is ended with this process at the latest.
 *
 * @throws {ToolMissingError}
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { fsync = false, settings = {}, replicaOf } = options
  const command = await requireTool('postgres')
  const user = unprivileged()
  const home = mkdtempSync(join(tmpdir(), 'hookonce-postgres-'))
  const folder = join(home, 'data')
  if (user.uid !== undefined) chownSync(home, user.uid, user.gid)
  const runTool = (name: string, ...args: string[]) =>
    execFileSync(join(dirname(realpathSync(command)), name), [...args, '--pgdata', folder], {
      ...user,
      cwd: home,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  const trusted = ['--username', 'postgres', '--no-sync']
  if (replicaOf === undefined) {
    const init = () => runTool('initdb', ...trusted, '--locale', 'C', '--encoding', 'UTF8', '--auth', 'trust')
    await createOrCopy(folder, init)
  } else {
    const from = ['--host', '127.0.0.1', '--port', String(replicaOf.port)]
    runTool('pg_basebackup', ...trusted, ...from, '--write-recovery-conf', '--checkpoint', 'fast')
  }
  const port = await freePort()
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: fsync ? 'on' : 'off',
    ...settings,
  }

  let child: ChildProcess | undefined
  let closed: Promise<unknown> = Promise.resolve()

  /** The server and its processes: one for each connection, and its helpers. */
  function processes(): number[] {
    const server = child?.pid
    const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    const pairs = list.split('\n').map(line => line.trim().split(/\s+/).map(Number))
    return pairs.flatMap(([pid, parent]) => (pid === server || parent === server ? [pid!] : []))
  }

  function signalAll(signal: NodeJS.Signals): void {
    if (child === undefined) return
    for (const pid of processes()) {
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended since.
      }
    }
  }

  const killNow = () => signalAll('SIGKILL')

  /** One that was just killed may hold its memory for a moment, and then refuses. */
  async function start(more: Record<string, string> = {}): Promise<void> {
    const args = [
      '-D',
      folder,
      ...Object.entries({ ...all, ...more }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]
    for (let tries = 1; ; tries++) {
      const output = await startOnce(args)
      if (output === undefined) return
      if (tries === 50 || !/shared memory|lock file/.test(output)) throw new Error(`${command} ended: ${output}`)
      await delay(100)
    }
  }

  /** What it said if it ended, `undefined` once it answers. */
  function startOnce(args: string[]): Promise<string | undefined> {
    const started = spawn(command, args, { ...user, cwd: home, stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child = started
    process.once('exit', killNow)
    return new Promise((resolve, reject) => {
      closed = new Promise(done => started.once('close', done)).then(() => {
        process.off('exit', killNow)
        if (child === started) child = undefined
        resolve(output)
      })
      started.once('error', reject)
      started.stderr!.setEncoding('utf8').on('data', text => {
        output = (output + text).slice(-2000)
        // A standby says that it takes read-only ones.
        if (/ready to accept (read-only )?connections/.test(output)) resolve(undefined)
      })
    })
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    // One that is stopped would not hear of its end.
    signalAll('SIGCONT')
    child?.kill(signal)
    await closed
  }

  await start()
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    folder,
    async stop() {
      await end('SIGINT')
      rmSync(home, { recursive: true, force: true })
    },
    stopImmediately: () => end('SIGQUIT'),
    async kill() {
      signalAll('SIGKILL')
      await closed
    },
    async restart(moreSettings) {
      await end('SIGINT')
      await start(moreSettings)
    },
    promote: () => void runTool('pg_ctl', 'promote', '--wait'),
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
  }
}
