import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '../test-tools/index.js'
import { freePort } from './free-port.js'
import { askRedis } from './redis-ask.js'

export interface RedisOptions {
  /** When what is written reaches the disk; `off`: never. Default `off`. */
  appendfsync?: 'always' | 'everysec' | 'no' | 'off'
  /** E.g. `8mb`. Default: no limit. */
  maxmemory?: string
  /** Default: a free one. */
  port?: number
  /** Where its files are; left alone at the end. Default: a temporary folder that is removed by `stop`. */
  folder?: string
  /** More settings, as in redis.conf. */
  settings?: Record<string, string>
}

export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly folder: string
  readonly pid: number
  /** Ends it in good order for good, and removes its temporary folder. */
  stop(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port and files, after ending it if it runs. Resolves when it answers. */
  restart(): Promise<void>
  /** SIGSTOP. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** The answer to a command, as the server writes it. */
  ask(...command: string[]): Promise<string>
}

/**
 * A redis-server of its own on a loopback port. It is ended with this process at the latest.
 *
 * @throws {ToolMissingError}
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { appendfsync = 'off', maxmemory = '0' } = options
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'hookonce-redis-'))
  const port = options.port ?? (await freePort())
  const settings = {
    bind: '127.0.0.1',
    save: '',
    'enable-debug-command': 'yes',
    appendonly: appendfsync === 'off' ? 'no' : 'yes',
    ...(appendfsync !== 'off' && { appendfsync }),
    maxmemory,
    ...options.settings,
  }
  const all = { ...settings, port: String(port), dir: folder }
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...value.split(' ')])
  const server = await startRedisProcess(args, port)
  return Object.assign(server, {
    url: `redis://127.0.0.1:${port}`,
    folder,
    async stop() {
      await server.end('SIGTERM')
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  })
}

let found: Promise<string> | undefined

/** A process of redis-server, as a server or a Sentinel, that answers on `port`. */
export async function startRedisProcess(args: string[], port: number) {
  found ??= requireTool('redis')
  const command = await found
  let child: ChildProcess
  let exited: Promise<unknown>
  let guard: ChildProcess

  async function start(): Promise<void> {
    child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    child.stdout!.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-2000)
    })
    let running = true
    exited = new Promise(resolve => child.once('close', resolve)).then(() => {
      running = false
    })
    guard = guardOf(child)
    while (running && !isReady(await askRedis(port, 'INFO').catch(() => ''))) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    if (!running) throw new Error(`${command} ${args.join(' ')} ended: ${output}`)
  }

  /** And not another's, who was faster to take the port. */
  function isReady(info: string): boolean {
    return info.startsWith('-NOAUTH') || (info.includes(`process_id:${child.pid}\r`) && !info.includes('loading:1'))
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    // One that is stopped would not hear of its end, and one that runs a script without end does not listen.
    child.kill('SIGCONT')
    child.kill(signal)
    const patience = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await exited
    clearTimeout(patience)
    guard.kill('SIGKILL')
  }

  await start()
  return {
    port,
    get pid() {
      return child.pid!
    },
    end,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      await start()
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    ask: (...command: string[]) => askRedis(port, ...command),
  }
}

/** Ends the server when this process has ended in whatever way, which closes the pipe. */
function guardOf(server: ChildProcess): ChildProcess {
  const guard = spawn('sh', ['-c', 'read line; kill -9 "$1"', 'sh', String(server.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.unref()
  return guard
}
