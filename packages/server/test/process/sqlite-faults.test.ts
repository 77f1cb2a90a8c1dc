import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { deliver, isReplay, recordOf } from './support/deliver.js'
import { lock } from './support/lock.js'
import { newStoreFile, ServerProcess, startServer, temporaryFolder } from './support/server.js'
import { boundByModes, fill, onReadOnlyDisk, onSmallDisk } from './support/small-disk.js'
import { until } from './support/until.js'
import { startUpstream, type Upstream } from './support/upstream.js'

const LEASE_MS = 2_000
/** A machine that does other things. */
const LATE_MS = 5_000

const settings = (upstream: Upstream, file: string) => ({
  HOOKONCE_STORE_URL: `sqlite:${file}`,
  HOOKONCE_FORWARD_TO: upstream.url,
  HOOKONCE_LEASE_SECONDS: LEASE_MS / 1000,
  HOOKONCE_STORE_TIMEOUT_SECONDS: 0.5,
})

/** A test that mounts a file system. Where that is unheard of, its name says why it did not run. */
function mounting(name: string, run: () => Promise<void>): void {
  if (process.platform === 'linux') test(name, run)
  else test.skip(`${name} (not run: it mounts file systems as Linux does)`, run)
}

/** Makes a store path that cannot be used, and says what runs the server. */
const UNUSABLE: Record<string, (folder: string) => { file: string; within?: string[] }> = {
  'below a regular file': folder => {
    writeFileSync(join(folder, 'file'), '')
    return { file: join(folder, 'file', 'data', 'hookonce.db') }
  },
  'a folder': folder => {
    mkdirSync(join(folder, 'hookonce.db'))
    return { file: join(folder, 'hookonce.db') }
  },
  'not a database': folder => {
    writeFileSync(join(folder, 'hookonce.db'), 'something else, and more than a header of it '.repeat(100))
    return { file: join(folder, 'hookonce.db') }
  },
  'on a read-only disk': folder => ({ file: join(folder, 'hookonce.db'), within: onReadOnlyDisk(folder) }),
  'to be made on a read-only disk': folder => ({
    file: join(folder, 'data', 'hookonce.db'),
    within: onReadOnlyDisk(folder),
  }),
  'a read-only file': folder => {
    writeFileSync(join(folder, 'hookonce.db'), '', { mode: 0o400 })
    return { file: join(folder, 'hookonce.db'), within: boundByModes() }
  },
  'in a folder that is not writable': folder => {
    mkdirSync(join(folder, 'data'))
    chmodSync(join(folder, 'data'), 0o500)
    return { file: join(folder, 'data', 'hookonce.db'), within: boundByModes() }
  },
}

for (const [what, prepare] of Object.entries(UNUSABLE)) {
  const start = what.endsWith('disk') ? mounting : test
  start(`a store file that is ${what} ends the start with one line`, async () => {
    const { file, within = [] } = prepare(temporaryFolder())
    const server = new ServerProcess({ HOOKONCE_STORE_URL: `sqlite:${file}` }, { within })
    expect(await server.exited).toBe(1)
    expect(server.stderr).toMatch(/^hookonce: the store sqlite:[^\n]+ cannot be used: [^\n]+\n$/)
    expect(server.stderr).toContain(file)
    expect(server.log).toEqual([])
  })
}

mounting('on a full disk nothing new runs, the recorded is replayed, and room heals it', async () => {
  const upstream = await startUpstream()
  const folder = temporaryFolder()
  const server = await startServer(settings(upstream, join(folder, 'hookonce.db')), { within: onSmallDisk(folder, 2) })
  const first = await deliver(server, 'before')
  const makeRoom = fill(server, folder)

  for (const key of ['new-1', 'new-2', 'new-3']) {
    const refused = await deliver(server, key)
    expect(refused.status).toBe(503)
    expect(refused.json.code).toBe('store_unavailable')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(await recordOf(server, key)).toBeUndefined()
  }
  expect(upstream.calls.map(({ key }) => key)).toEqual(['before'])
  const replay = await deliver(server, 'before')
  expect(isReplay(replay)).toBe(true)
  expect(replay.body).toEqual(first.body)
  expect((await send(`${server.url}/health`, { method: 'GET' })).status).toBe(200)
  expect((await send(`${server.url}/readyz`, { method: 'GET' })).status).toBe(503)

  makeRoom()
  for (const key of ['new-1', 'after']) {
    expect((await deliver(server, key)).status).toBe(200)
    expect(upstream.callsOf(key).map(({ attempt }) => attempt)).toEqual([1])
  }
  expect((await send(`${server.url}/readyz`, { method: 'GET' })).status).toBe(200)
})

mounting(
  'a result that finds the disk full is recorded when there is room, and its upstream not called again',
  async () => {
    const upstream = await startUpstream({ takes: () => 'held' })
    const folder = temporaryFolder()
    const server = await startServer(settings(upstream, join(folder, 'hookonce.db')), {
      within: onSmallDisk(folder, 2),
    })
    const answered = deliver(server, 'k')
    await until('the upstream is called', () => upstream.calls.length === 1)
    const makeRoom = fill(server, folder)
    upstream.calls[0]!.answer()
    const answer = await answered
    const tookMs = performance.now() - upstream.calls[0]!.startedAt
    expect(answer.status).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(tookMs).toBeLessThan(LEASE_MS + LATE_MS)

    makeRoom()
    await until('the result is recorded', async () => (await recordOf(server, 'k'))?.state === 'completed')
    const retry = await deliver(server, 'k')
    expect(isReplay(retry)).toBe(true)
    expect(retry.body).toEqual(upstream.calls[0]!.result)
    expect(upstream.calls).toHaveLength(1)
  },
)

test('while another process holds the lock, deliveries get 503 in time; afterwards they succeed', async () => {
  const upstream = await startUpstream()
  const file = newStoreFile()
  const storeTimeoutMs = 1_500
  const server = await startServer({
    ...settings(upstream, file),
    HOOKONCE_LEASE_SECONDS: (3 * storeTimeoutMs) / 1000,
    HOOKONCE_STORE_TIMEOUT_SECONDS: storeTimeoutMs / 1000,
  })
  const first = await deliver(server, 'before')
  const release = await lock(file)

  const askedAt = performance.now()
  let refusedAt = 0
  const refused = Promise.all(['new-1', 'new-2'].map(key => deliver(server, key))).finally(() => {
    refusedAt = performance.now()
  })
  expect((await send(`${server.url}/health`, { method: 'GET' })).status).toBe(200)
  expect(refusedAt, 'the server answered nothing while it waited for the lock').toBe(0)
  const replay = await deliver(server, 'before')
  expect(isReplay(replay)).toBe(true)
  expect(replay.body).toEqual(first.body)
  for (const { status, headers } of await refused) {
    expect(status).toBe(503)
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  }
  expect(refusedAt - askedAt).toBeLessThan(2 * storeTimeoutMs + LATE_MS)
  expect(upstream.calls).toHaveLength(1)

  release()
  for (const key of ['new-1', 'new-2', 'after']) expect((await deliver(server, key)).status).toBe(200)
  expect(upstream.calls.map(({ key }) => key)).toEqual(['before', 'new-1', 'new-2', 'after'])
})
