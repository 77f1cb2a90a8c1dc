import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { StoreError } from 'hookonce'
import { expect, test, vi } from 'vitest'
import { open, request, temporaryFolder } from './support.js'

/** Counts transactions by the log's own marks (https://www.sqlite.org/fileformat2.html#the_write_ahead_log). */
function commits(path: string): number {
  const log = readFileSync(`${path}-wal`)
  const frameSize = 24 + log.readUInt32BE(8)
  const salts = log.subarray(16, 24)
  let count = 0
  for (let frame = 32; frame + frameSize <= log.length; frame += frameSize) {
    if (!log.subarray(frame + 8, frame + 16).equals(salts)) break
    if (log.readUInt32BE(frame + 4) !== 0) count++
  }
  return count
}

function fresh(options?: Parameters<typeof open>[1]) {
  const path = join(temporaryFolder(), 'hookonce.db')
  return { path, store: open(path, options) }
}

test('writes that are asked for together are committed together', async () => {
  const { path, store } = fresh()
  await store.ready()
  const before = commits(path)

  await Promise.all(Array.from({ length: 200 }, (_, index) => store.claim(request(`key ${index}`))))

  // They leave sixteen at a time, and what has arrived while a transaction was committed is in the next.
  expect(commits(path) - before).toBeLessThanOrEqual(13)
})

test('what needs no write commits nothing', async () => {
  const { path, store } = fresh()
  await store.claim(request('running'))
  await store.claim(request('done'))
  await store.complete(request('done'), 'lease of done', Buffer.from('result'))
  const before = commits(path)

  await store.claim(request('running', { leaseId: 'another' }))
  await store.claim(request('running'))
  await store.claim(request('done'))
  await store.get(request('done'))
  await store.list({ limit: 10 })
  await store.stats()

  expect(commits(path)).toBe(before)
})

test('an operation that fails takes none of its batch with it', async () => {
  const { store } = fresh()
  const [one, broken, two] = await Promise.allSettled([
    store.claim(request('one')),
    store.claim(request('broken', { retentionMs: Number.NaN })),
    store.claim(request('two')),
  ])
  expect(one).toMatchObject({ status: 'fulfilled', value: { status: 'acquired' } })
  expect(broken).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE', effect: 'refused' } })
  expect(two).toMatchObject({ status: 'fulfilled', value: { status: 'acquired' } })
  expect(await store.get(request('broken'))).toBeUndefined()
})

test('results of every size in one batch come back byte for byte', async () => {
  const { store } = fresh()
  const sizes = [0, 1, 300, 4096, 100_000, 0, 3 * 1024 * 1024]
  const result = (size: number, index: number) => new Uint8Array(size).fill(index + 1)
  await Promise.all(sizes.map((_, index) => store.claim(request(`key ${index}`))))
  await Promise.all(
    sizes.map((size, index) => store.complete(request(`key ${index}`), `lease of key ${index}`, result(size, index))),
  )

  const replays = await Promise.all(sizes.map((_, index) => store.claim(request(`key ${index}`))))
  const records = await Promise.all(sizes.map((_, index) => store.get(request(`key ${index}`))))

  for (const [index, size] of sizes.entries()) {
    const replay = replays[index]!
    if (replay.status !== 'completed') throw new Error(replay.status)
    expect(Buffer.compare(replay.result, result(size, index))).toBe(0)
    expect(Buffer.compare(records[index]!.result!, result(size, index))).toBe(0)
  }
})

test('close finishes what was asked, leaves no log behind, and can be asked twice', async () => {
  const { path, store } = fresh()
  const claims = Promise.all(Array.from({ length: 300 }, (_, index) => store.claim(request(`key ${index}`))))
  const closed = store.close()
  expect(store.close()).toBe(closed)

  expect((await claims).every(({ status }) => status === 'acquired')).toBe(true)
  await closed
  expect(existsSync(`${path}-wal`)).toBe(false)
  const refusal: StoreError = await store.claim(request('late')).catch(error => error)
  expect(refusal).toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
})

test('when the worker thread ends unexpectedly, what is pending is unknown and what follows is refused', async () => {
  const unref = vi.spyOn(Worker.prototype, 'unref')
  const { store } = fresh()
  const worker = unref.mock.contexts[0] as Worker
  unref.mockRestore()
  await store.ready()

  const terminated = worker.terminate()
  await expect(store.claim(request('pending'))).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'unknown' })
  await terminated
  await expect(store.claim(request('later'))).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
  await store.close()
})

test('tokens rise over a deletion within one transaction, and so at one time', async () => {
  const store = open(join(temporaryFolder(), 'hookonce.db'))
  await store.ready()
  const claim = (leaseId: string) => store.claim(request('key', { leaseId }))
  // Asked together, they are one batch.
  const asked = [
    claim('a'),
    store.fail(request('key'), 'a', 'it broke'),
    claim('b'),
    store.delete(request('key'), { force: true }),
    claim('c'),
  ]
  const outcomes = await Promise.all(asked)
  const tokens = outcomes.flatMap(outcome =>
    typeof outcome === 'object' && 'fencingToken' in outcome ? [BigInt(outcome.fencingToken)] : [],
  )
  expect(tokens).toHaveLength(3)
  expect(tokens[1]! > tokens[0]! && tokens[2]! > tokens[1]!, tokens.join(' < ')).toBe(true)
})
