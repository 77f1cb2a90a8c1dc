import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { expect, test } from 'vitest'
import { connect, eventually, open, request, start, temporaryFolder } from './support.js'

const HOUR = 3_600_000
const due = { scope: 'test', limit: 10, leaseId: 'worker', leaseMs: 100, lockTtlMs: 300_000, maxLosses: 10 }
const acceptance = (key: string) => ({
  ...{ scope: 'test', key, fingerprint: null, acceptId: `acceptance of ${key}`, delivery: Buffer.from('delivery') },
  ...{ retentionMs: HOUR, delayMs: 0, group: null },
})

/** As if all that is in the file had been written before the clock stepped back by an hour. */
async function stepBack(path: string): Promise<void> {
  const db = await connect(path)
  for (const column of ['created_at', 'claimed_at', 'lease_ends_at', 'settled_at', 'due_at']) {
    db.exec(`UPDATE records SET ${column} = ${column} + ${HOUR}`)
  }
  db.exec(`UPDATE records SET expires_at = expires_at + ${HOUR} WHERE expires_at < 8640000000000000`)
}

test('a lease that was taken before the clock stepped back is over after its own length', async () => {
  const path = join(temporaryFolder(), 'store.db')
  const store = open(path)
  await store.claim(request('one', { leaseMs: 100 }))
  await store.claim(request('renewed', { leaseMs: 10_000 }))
  await store.renew(request('renewed'), 'lease of renewed', 100)
  await stepBack(path)
  for (const key of ['one', 'renewed']) {
    const again = request(key, { leaseId: 'another' })
    expect(await store.claim(again)).toEqual({ status: 'running', leaseRemainingMs: 100 })
    await eventually(async () => (await store.claim(again)).status === 'acquired')
    expect(await store.get(again)).toMatchObject({ attempts: 2, losses: 1 })
  }
})

test('its holder may still renew a lease that was cut', async () => {
  const path = join(temporaryFolder(), 'store.db')
  const store = open(path)
  await store.claim(request('one'))
  await stepBack(path)
  expect(await store.claim(request('one', { leaseId: 'another' }))).toEqual({
    status: 'running',
    leaseRemainingMs: 15_000,
  })
  expect(await store.renew(request('one'), 'lease of one', 15_000)).toBe('renewed')
})

test('what is in line when the file is opened after a step back is due when it was to be', async () => {
  const path = join(temporaryFolder(), 'store.db')
  const before = sqliteStore(path)
  for (const key of ['running', 'failed', 'redriven']) await before.accept(acceptance(key))
  await before.claimDue({ ...due, limit: 3 })
  await before.fail({ scope: 'test', key: 'failed' }, 'worker', 'it broke', { dueInMs: 100 })
  await before.fail({ scope: 'test', key: 'redriven' }, 'worker', 'it broke', 'dead')
  await before.redrive({ scope: 'test', key: 'redriven' })
  await before.accept(acceptance('pending'))
  await before.accept({ ...acceptance('delayed'), delayMs: HOUR })
  await before.claim(request('much later'))
  await before.close()
  await stepBack(path)

  const store = open(path)
  const taken: string[] = []
  await eventually(async () => {
    taken.push(...(await store.claimDue({ ...due, leaseId: 'other', leaseMs: HOUR })).map(({ key }) => key))
    return taken.length >= 5
  })
  expect(taken.sort()).toEqual(['delayed', 'failed', 'pending', 'redriven', 'running'])
})

test('a clock that steps back while the process runs keeps nothing waiting', async () => {
  const folder = temporaryFolder()
  const offset = join(folder, 'offset')
  writeFileSync(offset, String(HOUR))
  const [preload, child] = ['./moved-clock.mjs', './clock-child.mjs'].map(file => new URL(file, import.meta.url).href)
  const script = ['--import', preload!, fileURLToPath(child!), join(folder, 'store.db')]
  const { nextLine, send } = start(['env', `CLOCK_OFFSET_FILE=${offset}`, process.execPath, ...script])
  expect(await nextLine()).toBe('1 taken')
  writeFileSync(offset, '0')
  send('the clock stepped back')
  expect(await nextLine()).toBe('taken again: attempt 2')
})
