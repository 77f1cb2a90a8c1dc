import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { postgresStore } from 'hookonce/stores/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { openPool, until } from './support.js'

const KILLS = Number(process.env.HOOKONCE_TEST_KILLS ?? 8)
const script = fileURLToPath(new URL('./inbox-child.mjs', import.meta.url))

let server: PostgresServer
const children = new Set<ChildProcess>()
beforeAll(async () => {
  server = await startPostgres()
}, TOOL_TIMEOUT_MS)
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await server?.stop()
})

/** What was acknowledged, by whichever process. */
const accepted = new Set<string>()
const completed: { key: string; leaseId: string }[] = []
let failure = ''

async function startWorker(name: number) {
  const child = spawn(process.execPath, [script, server.url, `process ${name}`])
  children.add(child)
  child.stdin.on('error', () => {})
  child.stderr.on('data', chunk => (failure += chunk))
  const exited = new Promise<string | number | null>(resolve =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  )
  let isReady = false
  createInterface({ input: child.stdout }).on('line', line => {
    // The last line of a process that was killed may be cut.
    if (!line.endsWith('}')) return
    const said = JSON.parse(line)
    if (said.accepted) accepted.add(said.accepted)
    else if (said.completed) completed.push({ key: said.completed, leaseId: said.leaseId })
    else isReady = true
  })
  await until('a process to be ready', () => isReady || failure !== '')
  expect(failure).toBe('')
  return {
    drain: () => child.stdin.write('drain\n'),
    async kill() {
      child.kill('SIGKILL')
      expect(await exited).toBe('SIGKILL')
      children.delete(child)
    },
  }
}

test(
  `over ${KILLS} SIGKILLs what was accepted is completed once or dead, and no group is reordered`,
  async () => {
    const admin = openPool(server.url, { max: 2 })
    const store = postgresStore(server.url, { purgeIntervalMs: 0 })
    await store.ready()
    await store.close()
    await admin.query(
      `CREATE TABLE runs (n bigserial PRIMARY KEY, key text NOT NULL, lease_id text NOT NULL, attempt int NOT NULL,
         token bigint NOT NULL, claimed_at bigint NOT NULL, lease_ends_at bigint NOT NULL,
         gave_back boolean NOT NULL DEFAULT false, UNIQUE (key, attempt))`,
    )
    let names = 0
    const workers = await Promise.all([1, 2, 3].map(() => startWorker(++names)))
    for (let kills = 0; kills < KILLS; kills++) {
      await delay(Math.random() * 150)
      const victim = Math.floor(Math.random() * workers.length)
      const successor = await startWorker(++names)
      await workers[victim]!.kill()
      workers[victim] = successor
    }
    for (const worker of workers) worker.drain()
    const count = async (query: string) =>
      Number((await admin.query(`SELECT count(*) FROM (${query}) AS q`)).rows[0].count)
    await until(
      'all to be settled',
      async () => {
        return (
          (await count("SELECT 1 FROM hookonce.records WHERE scope = 's' AND state NOT IN ('completed', 'dead')")) === 0
        )
      },
      60_000,
    )
    // What was said last arrives.
    await delay(100)
    for (const worker of workers) await worker.kill()
    expect(failure).toBe('')

    const { rows } = await admin.query(
      "SELECT key, state, attempts, losses, convert_from(result, 'UTF8') AS result FROM hookonce.records WHERE scope = 's'",
    )
    const records = new Map(rows.map(row => [row.key, row]))
    for (const key of accepted) expect(records.has(key), `${key} is lost`).toBe(true)
    for (const { key, leaseId } of completed)
      expect(records.get(key)).toMatchObject({ state: 'completed', result: leaseId })
    expect(
      await count(
        `SELECT 1 FROM hookonce.records r WHERE state = 'completed' AND scope = 's' AND NOT EXISTS (
         SELECT 1 FROM runs WHERE runs.key = r.key AND runs.lease_id = convert_from(r.result, 'UTF8'))`,
      ),
      'results of nobody',
    ).toBe(0)
    expect(
      await count(
        `SELECT 1 FROM (SELECT claimed_at, attempt, token, n, lag(lease_ends_at) OVER k AS ended, lag(gave_back) OVER k AS gave_back,
         lag(token) OVER k AS earlier FROM runs WINDOW k AS (PARTITION BY key ORDER BY n)) AS r
       WHERE token <= earlier OR (NOT gave_back AND claimed_at < ended)`,
      ),
      'leases that overlap, tokens that do not rise',
    ).toBe(0)
    expect(
      await count(
        `SELECT 1 FROM (
         SELECT grp, id, min(n) AS first, max(max(n)) OVER (PARTITION BY grp ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING
           AND 1 PRECEDING) AS before
         FROM runs JOIN hookonce.records r ON r.scope = 's' AND r.key = runs.key WHERE grp IS NOT NULL GROUP BY grp, id
       ) AS g WHERE first < before`,
      ),
      'runs out of the order of their group',
    ).toBe(0)

    const lost = rows.filter(({ losses }) => losses > 0).length
    const dead = rows.filter(({ state }) => state === 'dead').length
    console.log(`${rows.length} accepted, ${lost} of them lost attempts, ${dead} died`)
    for (const some of [lost, dead, completed.length]) expect(some).toBeGreaterThan(0)
    await admin.end()
  },
  90_000 + KILLS * 2_000,
)
