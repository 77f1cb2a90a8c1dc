/**
 * What Hookonce costs, as ratios within one run: machines differ and are noisy, so every round measures all servers
 * in turn, and the median over the rounds of each round's ratio is what counts.
 *
 *   npm run bench -- [--rounds 7] [--seconds 3] [--connections 64]
 */
import { fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
  },
})
const rounds = Number(options.rounds)
const seconds = Number(options.seconds)
const connections = Number(options.connections)
const COMPLETED_KEYS = 5_000

const here = file => fileURLToPath(new URL(file, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'hookonce-bench-'))
const children = []

const start = async (script, env, ready) => {
  const child = spawn(process.execPath, [script], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  for await (const line of createInterface({ input: child.stdout })) {
    const url = ready(line)
    if (url !== undefined) return url
  }
  throw new Error(`${script} did not start`)
}
const cli = here('../packages/server/dist/cli.js')
const listening = line => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
const hookonce = storeUrl => start(cli, { HOST: '127.0.0.1', PORT: '0', HOOKONCE_STORE_URL: storeUrl }, listening)
const floor = (store, database) => start(here('floor/server.mjs'), { STORE: store, DATABASE: database }, listening)

const load = fork(here('load.mjs'))
children.push(load)
const measure = job =>
  new Promise((resolve, reject) => {
    load.once('message', ({ requests, seconds, bad }) =>
      bad > 0 ? reject(new Error(`${bad} bad answers from ${job.url}${job.path}`)) : resolve(requests / seconds),
    )
    load.send({ path: '/webhook', connections, ...job })
  })

const median = values => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

try {
  const servers = {
    sqlite: {
      hookonce: await hookonce(`sqlite:${join(folder, 'hookonce.db')}`),
      floor: await floor('sqlite', join(folder, 'floor.db')),
    },
    memory: { hookonce: await hookonce('memory:'), floor: await floor('memory', '') },
  }
  const rates = {}
  const note = (name, rate) => {
    rates[name] ??= []
    rates[name].push(rate)
  }
  for (const [store, urls] of Object.entries(servers)) {
    for (const url of Object.values(urls)) {
      await measure({ url, prefix: 'completed', keys: COMPLETED_KEYS, requests: COMPLETED_KEYS })
      await measure({ url, prefix: `${store}-warm`, seconds: 1 })
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [store, urls] of Object.entries(servers)) {
      // Whoever is measured first in one round is last in the next.
      const order = round % 2 === 0 ? ['hookonce', 'floor'] : ['floor', 'hookonce']
      for (const who of order)
        note(`${store} first ${who}`, await measure({ url: urls[who], prefix: `r${round}`, seconds }))
      for (const who of order) {
        note(
          `${store} duplicate ${who}`,
          await measure({ url: urls[who], prefix: 'completed', keys: COMPLETED_KEYS, seconds }),
        )
      }
      note(
        `${store} none`,
        await measure({ url: urls.hookonce, path: '/webhook/no-idempotency', prefix: `n${round}`, seconds }),
      )
    }
    process.stderr.write(`round ${round + 1} of ${rounds}\n`)
  }

  const ratio = (a, b) => median(rates[a].map((rate, round) => rate / rates[b][round])).toFixed(2)
  const rate = name => String(Math.round(median(rates[name]))).padStart(7)
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0].model}, ${connections} connections`)
  console.log(`medians of ${rounds} rounds of ${seconds} s; the load runs on the same machine\n`)
  console.log('store   deliveries      per s   of the floor   of no idempotency')
  for (const store of Object.keys(servers)) {
    for (const kind of ['first', 'duplicate']) {
      const name = `${store} ${kind} hookonce`
      console.log(
        `${store.padEnd(8)}${kind.padEnd(12)}${rate(name)}${ratio(name, `${store} ${kind} floor`).padStart(15)}${ratio(name, `${store} none`).padStart(20)}`,
      )
    }
    console.log(`${store.padEnd(8)}no key      ${rate(`${store} none`)}`)
  }
} finally {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
