import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { requireTool } from '../test-tools/index.js'
import { freePort } from './free-port.js'

export interface PrometheusOptions {
  /** The servers whose `/metrics` are read, e.g. `http://127.0.0.1:8000`. */
  targets: string[]
  bearerToken: string
  /** Paths of files with rules. */
  rules: string[]
}

export interface PrometheusServer {
  readonly url: string
  /** The value of an API path below `/api/v1/`. @throws what it says is wrong */
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  api(path: string, parameters?: Record<string, string>): Promise<any>
  stop(): Promise<void>
}

const STARTING_MS = 30_000

/** A Prometheus of its own on a loopback port, which reads its targets twice a second. @throws {ToolMissingError} */
export async function startPrometheus({ targets, bearerToken, rules }: PrometheusOptions): Promise<PrometheusServer> {
  const command = await requireTool('prometheus')
  const folder = mkdtempSync(join(tmpdir(), 'hookonce-prometheus-'))
  const port = await freePort()
  const config = join(folder, 'prometheus.yml')
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: rules,
      scrape_configs: [
        {
          job_name: 'hookonce',
          authorization: { credentials: bearerToken },
          static_configs: [{ targets: targets.map(url => new URL(url).host) }],
        },
      ],
    }),
  )
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`]
  const child = spawn(command, [...args, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const end = () => void child.kill('SIGKILL')
  process.once('exit', end)
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  const url = `http://127.0.0.1:${port}`
  await ready(url, child, () => said)

  return {
    url,
    async api(path, parameters = {}) {
      const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
      // biome-ignore lint/suspicious/noExplicitAny: Prometheus' own form
      const answer = (await response.json()) as any
      if (answer.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${answer.error}`)
      return answer.data
    },
    async stop() {
      const ended = new Promise(resolve => child.once('close', resolve))
      child.kill('SIGTERM')
      await ended
      process.off('exit', end)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function ready(url: string, child: ChildProcess, said: () => string): Promise<void> {
  const deadline = performance.now() + STARTING_MS
  for (;;) {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined)
    if (answer?.ok) return
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`prometheus did not start: ${said()}`)
    }
    await setTimeout(50)
  }
}
