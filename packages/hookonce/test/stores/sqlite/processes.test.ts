import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect, eventually, open, request, startChild, temporaryFolder } from './support.js'

test('of several processes that claim the same keys, exactly one acquires each, on a file that none had made', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const children = Array.from({ length: 4 }, () => startChild('race', path, '200'))
  for (const child of children) await child.nextLine()
  for (const child of children) child.send('go')

  const acquired = (await Promise.all(children.map(child => child.nextLine()))).flatMap(line => JSON.parse(line))

  expect(acquired).toHaveLength(200)
  expect(new Set(acquired).size).toBe(200)
  for (const child of children) expect(await child.exited).toBe(0)
})

test('tokens of one key are never issued twice and rise, whichever process issues them', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const children = [startChild('takeOver', path, '25'), startChild('takeOver', path, '25')]
  for (const child of children) await child.nextLine()
  for (const child of children) child.send('go')

  const perProcess = (await Promise.all(children.map(child => child.nextLine()))).map(line =>
    (JSON.parse(line) as string[]).map(BigInt),
  )

  for (const tokens of perProcess) {
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)))
  }
  expect(new Set(perProcess.flat()).size).toBe(50)
})

test('a process killed while it writes leaves a sound file that has every acknowledged result', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const acknowledged: string[] = []
  for (const round of ['first', 'second', 'third']) {
    const child = startChild('write', path, round)
    for (let count = 0; count < 100; count++) acknowledged.push(JSON.parse(await child.nextLine()))
    child.process.kill('SIGKILL')
    expect(await child.exited).toBe('SIGKILL')
  }

  const store = open(path)
  for (const key of acknowledged) {
    const record = await store.get({ scope: 'test', key })
    expect(Buffer.from(record!.result!).toString()).toBe(`result of ${key}`)
  }
  const db = await connect(path)
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
})

test('a lock held by another process is waited for within bounds; reads do not wait; it recovers by itself', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path, { busyTimeoutMs: 1500 })
  await store.claim(request('done'))
  await store.complete(request('done'), 'lease of done', Buffer.from('result'))
  const other = startChild('lock', path)
  await other.nextLine()

  const refused = store.claim(request('new'))
  let isRefused = false
  refused.catch(() => {
    isRefused = true
  })
  const [replay, record] = await Promise.all([store.claim(request('done')), store.get(request('done'))])
  const later = await store.claim(request('done'))

  expect(replay.status).toBe('completed')
  expect(record?.state).toBe('completed')
  expect(later.status).toBe('completed')
  expect(isRefused).toBe(false)
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_STORE',
    effect: 'refused',
    message: expect.stringContaining('locked by another process for 1500 ms'),
  })
  await expect(store.ready()).rejects.toMatchObject({ effect: 'refused' })

  other.send('let go')
  await other.exited
  await expect(store.claim(request('new'))).resolves.toMatchObject({ status: 'acquired', attempt: 1 })
})

test('a claim that comes while others wait for the lock waits no longer than they may', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path, { busyTimeoutMs: 2000 })
  await store.claim(request('held'))
  const other = startChild('lock', path)
  await other.nextLine()
  const refusedAt = async (asked: Promise<unknown>) => {
    await expect(asked).rejects.toMatchObject({ effect: 'refused' })
    return performance.now()
  }

  const renewal = refusedAt(store.renew(request('held'), 'lease of held', 15_000))
  // Answered without the lock: the renewal waits for it by now.
  await store.get(request('held'))
  const claim = refusedAt(store.claim(request('new')))

  expect((await claim) - (await renewal)).toBeLessThan(1500)
})

test('an open store with nothing to do lets the process end', async () => {
  const child = startChild('idle', join(temporaryFolder(), 'hookonce.db'))
  await child.nextLine()
  expect(await child.exited).toBe(0)
})

test('what one process purged, deleted or completed is so for the other', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const [one, other] = [open(path), open(path)]
  await one.claim(request('key', { retentionMs: 1, lockTtlMs: 1, leaseMs: 1 }))
  await other.complete(request('key'), 'lease of key', Buffer.from('result'))
  await eventually(async () => (await one.get(request('key'))) === undefined)

  expect(await other.purge(10)).toBe(1)
  expect(await one.purge(10)).toBe(0)
})
