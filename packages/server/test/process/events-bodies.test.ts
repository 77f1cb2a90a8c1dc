import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { send } from '../support/http.js'
import { deliver } from './support/deliver.js'
import { newStoreFile, type ServerProcess, startServer } from './support/server.js'

const MIB = 1_048_576
const DELIVERIES = 40
const READERS = 2

/** What the process has in memory, and the most that it had. */
function residentMiB({ pid }: ServerProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1])
  return { now: kib('VmRSS') / 1024, peak: kib('VmHWM') / 1024 }
}

/** Every key, page by page. */
async function readAll(url: string): Promise<{ keys: string[]; largest: number }> {
  const keys: string[] = []
  let largest = 0
  let next: string | null = ''
  while (next !== null) {
    const after: string = next === '' ? '' : `&after=${next}`
    const { status, body, json } = await send(`${url}/webhook/events?bodies=true&limit=500${after}`, { method: 'GET' })
    expect(status).toBe(200)
    largest = Math.max(largest, body.length)
    for (const { key, delivery } of json.events) {
      keys.push(key)
      expect(delivery.body.length).toBeGreaterThan(MIB - 100)
    }
    next = json.next
  }
  return { keys, largest }
}

test('pages of large bodies end by size, are streamed, and do not block other requests', async () => {
  const server = await startServer({
    HOOKONCE_STORE_URL: `sqlite:${newStoreFile()}`,
    HOOKONCE_MODE: 'inbox',
    HOOKONCE_INBOX_CONCURRENCY: 0,
  })
  const keys = Array.from({ length: DELIVERIES }, (_, i) => `k${i}`)
  for (const key of keys) {
    const event = JSON.stringify({
      event: randomBytes(MIB)
        .toString('base64')
        .slice(0, MIB - 20),
    })
    expect((await deliver(server, key, event)).status).toBe(202)
  }
  const before = residentMiB(server)

  let reading = true
  const health: number[] = []
  const watched = (async () => {
    while (reading) {
      const askedAt = performance.now()
      expect((await send(`${server.url}/health`, { method: 'GET' })).status).toBe(200)
      health.push(performance.now() - askedAt)
    }
  })()
  const read = await Promise.all(Array.from({ length: READERS }, () => readAll(server.url)))
  reading = false
  await watched
  const after = residentMiB(server)
  for (const { keys: found, largest } of read) {
    expect(found.toSorted()).toEqual(keys.toSorted())
    expect(largest).toBeLessThan(9 * MIB)
  }
  expect(Math.max(before.peak, after.peak) - before.now).toBeLessThan(200)
  expect(Math.max(...health)).toBeLessThan(5_000)
})
