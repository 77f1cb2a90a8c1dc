import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { SOURCES } from '../sources.js'
import type { Target } from './fuzz.js'
import type { Ledger } from './ledger.js'

const CLI = fileURLToPath(new URL('../../../packages/server/dist/cli.js', import.meta.url))
const SENDERS = new URL('../../../packages/hookonce/dist/senders/index.js', import.meta.url).href
const CONFIG = new URL('../../../packages/server/dist/index.js', import.meta.url).href
const TOKEN = 'the-token-of-the-fuzzed-server'

export interface FuzzedServer extends Target {
  pid: number
  /** The last of what it logged as an error. */
  errors(): readonly string[]
  /** Ends it in good order. Resolves with its exit code, or the signal that ended it. */
  stop(): Promise<number | NodeJS.Signals>
}

/** The built server in a process of its own, with every source forwarded to the ledger. */
export async function startFuzzedServer({
  storeUrl,
  ledger,
}: {
  storeUrl: string
  ledger: Ledger
}): Promise<FuzzedServer> {
  const cwd = mkdtempSync(join(tmpdir(), 'hookonce-fuzz-'))
  writeFileSync(join(cwd, 'hookonce.config.mjs'), configText(ledger))
  const env = {
    PATH: process.env.PATH,
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'info',
    HOOKONCE_STORE_URL: storeUrl,
    HOOKONCE_ADMIN_TOKEN: TOKEN,
  }
  const child = spawn(process.execPath, [CLI], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const errors: string[] = []
  const note = (line: string) => void (errors.length < 20 && errors.push(line))
  const exited = new Promise<number | NodeJS.Signals>(resolve => {
    child.once('close', (code, signal) => {
      process.off('exit', kill)
      rmSync(cwd, { recursive: true, force: true })
      resolve(signal ?? code!)
    })
  })
  createInterface({ input: child.stderr }).on('line', note)
  const port = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const { level, msg, urls } = JSON.parse(line)
      if (level === 'error' || level === 'fatal') note(line)
      if (msg === 'listening') resolve(Number(new URL(urls[0]).port))
    })
    void exited.then(code => reject(new Error(`the server ended with ${code}: ${errors.join('\n')}`)))
  })
  const pid = child.pid!
  const isAlive = () => child.exitCode === null && child.signalCode === null
  let rss = 0
  return {
    port,
    pid,
    isAlive,
    residentMiB() {
      if (isAlive()) rss = Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1_024
      return rss
    },
    async pending() {
      const response = await fetch(`http://127.0.0.1:${port}/api/overview`, {
        headers: { authorization: `Bearer ${TOKEN}` },
      })
      if (response.status !== 200) throw new Error(`the overview is answered ${response.status}`)
      const { inbox } = (await response.json()) as { inbox: Record<string, { pending: number }> }
      return Object.values(inbox).reduce((sum, { pending }) => sum + pending, 0)
    },
    errors: () => errors,
    stop() {
      child.kill('SIGTERM')
      return exited
    },
  }
}

function configText({ urlOf }: Ledger): string {
  const sources = SOURCES.map(({ name, mode, secret, publicUrl }) => {
    const sender = `SENDERS.get('${name}').create(${JSON.stringify({ secrets: [secret], publicUrl })})`
    const handle = `forward('${urlOf(name)}')`
    return `    '${name}': { mode: '${mode}', handle: ${handle}, sender: ${sender} },\n`
  })
  return `import { forward } from '${CONFIG}'\nimport { SENDERS } from '${SENDERS}'\nexport default {\n  sources: {\n${sources.join('')}  },\n}\n`
}
