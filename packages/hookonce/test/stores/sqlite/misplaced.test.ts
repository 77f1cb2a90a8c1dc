import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { expect, test } from 'vitest'
import { connect, eventually, open, request, temporaryFolder } from './support.js'

const write = () => Buffer.from('result')

const misfortunes: Record<string, (path: string) => void> = {
  'is deleted': path => rmSync(path),
  'is deleted with its log': path => {
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file)
  },
  'is moved away': path => renameSync(path, `${path}.moved`),
}

test.each(Object.entries(misfortunes))(
  'a file that %s while it is open is noticed, and another is made',
  async (_, befall) => {
    const path = join(temporaryFolder(), 'hookonce.db')
    const store = open(path)
    await store.claim(request('before'))
    await store.transact(request('before'), 'lease of before', write)
    befall(path)

    await expect(store.claim(request('key'))).rejects.toMatchObject({
      code: 'ERR_STORE',
      effect: 'refused',
      message: expect.stringContaining('deleted or replaced'),
    })
    await eventually(() =>
      store.ready().then(
        () => true,
        () => false,
      ),
    )
    expect(await store.claim(request('key'))).toMatchObject({ status: 'acquired', attempt: 1 })
    expect(await store.transact(request('key'), 'lease of key', write)).toMatchObject({ status: 'completed' })
    expect(await store.get(request('before'))).toBeUndefined()

    const db = await connect(path)
    expect(db.prepare('SELECT key, state FROM records').all()).toEqual([{ key: 'key', state: 'completed' }])
  },
)

test('a file that another took the place of is left to it', async () => {
  const folder = temporaryFolder()
  const path = join(folder, 'hookonce.db')
  const store = open(path)
  await store.claim(request('of the old'))
  await store.transact(request('of the old'), 'lease of of the old', write)

  const other = sqliteStore(join(folder, 'new.db'))
  await other.claim(request('of the new'))
  await other.close()
  renameSync(join(folder, 'new.db'), path)
  for (const file of [`${path}-wal`, `${path}-shm`]) rmSync(file)
  const newcomer = open(path)
  await newcomer.claim(request('more of the new'))

  await expect(store.transact(request('of the new'), 'lease of of the new', write)).rejects.toMatchObject({
    effect: 'refused',
    message: expect.stringContaining('deleted or replaced'),
  })
  await eventually(() =>
    store.ready().then(
      () => true,
      () => false,
    ),
  )
  expect(await store.transact(request('of the new'), 'lease of of the new', write)).toMatchObject({
    status: 'completed',
  })
  const { records } = await newcomer.list({ limit: 10 })
  expect(records.map(({ key, state }) => [key, state])).toEqual([
    ['more of the new', 'running'],
    ['of the new', 'completed'],
  ])
  const db = await connect(path)
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
})

test('a file that goes away while effects are written takes none of them, and no result', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(path)
  await store.claim(request('key'))
  const transacted = store.transact(request('key'), 'lease of key', () => {
    renameSync(path, `${path}.moved`)
    return write()
  })
  await expect(transacted).rejects.toMatchObject({
    effect: 'refused',
    message: expect.stringContaining('deleted or replaced'),
  })
  renameSync(`${path}.moved`, path)
  const db = await connect(path)
  expect(db.prepare('SELECT key, state FROM records').all()).toEqual([{ key: 'key', state: 'running' }])
})
