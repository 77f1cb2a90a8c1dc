import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { ConfigurationError, StoreError } from 'hookonce'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { expect, test } from 'vitest'
import { connect, eventually, onCleanup, open, request, temporaryFolder } from './support.js'

const modeOf = (path: string) => statSync(path).mode & 0o777

test('folder and file are made for their owner only, whatever the umask', async () => {
  const path = join(temporaryFolder(), 'one', 'two', 'hookonce.db')
  const umask = process.umask(0)
  onCleanup(() => process.umask(umask))
  await open(path).ready()

  expect(modeOf(dirname(path))).toBe(0o700)
  expect(modeOf(dirname(dirname(path)))).toBe(0o700)
  for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(modeOf(file)).toBe(0o600)
})

test('a folder that stands and holds nothing else is kept for its owner only, again and again', async () => {
  const folder = temporaryFolder()
  for (const mode of [0o777, 0o755]) {
    chmodSync(folder, mode)
    await open(join(folder, 'hookonce.db')).ready()
    expect(modeOf(folder)).toBe(0o700)
    writeFileSync(join(folder, 'operator-token'), '')
  }
})

test.each([
  ['in which somebody else keeps a file', 0o755, 'report.txt'],
  ['that is everybody’s', 0o1777, undefined],
])('the mode of a folder %s is left alone', async (_, mode, other) => {
  const folder = temporaryFolder()
  chmodSync(folder, mode)
  if (other !== undefined) writeFileSync(join(folder, other), '')
  await open(join(folder, 'hookonce.db')).ready()
  expect(modeOf(folder)).toBe(mode & 0o777)
})

test('the path is resolved when the store is made', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const store = open(relative(process.cwd(), path))
  await store.ready()
  expect(statSync(path).isFile()).toBe(true)
})

test('an empty path is refused, which would be a file of no name', () => {
  expect(() => sqliteStore('')).toThrow(ConfigurationError)
  expect(() => sqliteStore('')).toThrow(/:memory:/)
})

test('an option that is undefined is as good as absent', async () => {
  const options = { synchronous: undefined, busyTimeoutMs: undefined, purgeIntervalMs: undefined }
  const store = sqliteStore(join(temporaryFolder(), 'hookonce.db'), options as object)
  onCleanup(() => store.close())
  await store.ready()
})

test.each([
  { synchronous: 'off' as 'full' },
  { busyTimeoutMs: -1 },
  { busyTimeoutMs: Number.NaN },
  { purgeIntervalMs: Number.POSITIVE_INFINITY },
])('the option %j is refused', options => {
  const path = join(temporaryFolder(), 'hookonce.db')
  expect(() => sqliteStore(path, options)).toThrow(new RegExp(Object.keys(options)[0]!))
})

test('a file that a newer version has migrated is used, as long as that took nothing away', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const first = sqliteStore(path)
  await first.ready()
  await first.close()
  const db = await connect(path)
  db.exec('PRAGMA user_version = 99')

  const store = open(path)
  expect(await store.claim(request('key'))).toMatchObject({ status: 'acquired' })
  expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 })
})

test('a file of a newer schema is refused and left alone', async () => {
  const path = join(temporaryFolder(), 'hookonce.db')
  const first = sqliteStore(path)
  await first.ready()
  await first.close()
  const db = await connect(path)
  db.exec('PRAGMA user_version = 99; UPDATE meta SET least_version = 99')
  db.close()

  const store = open(path)
  await expect(store.ready()).rejects.toThrow(ConfigurationError)
  await expect(store.ready()).rejects.toThrow(`sqlite store ${path}: the file needs schema 99`)
  await expect(store.claim(request('key'))).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
})

test('a database of another application is refused and left alone', async () => {
  const path = join(temporaryFolder(), 'other.db')
  const db = await connect(path)
  db.exec('CREATE TABLE theirs (x)')
  db.close()
  const before = readFileSync(path)

  await expect(open(path).ready()).rejects.toThrow(/another application/)
  expect(readFileSync(path)).toEqual(before)
})

test('a file that is no database is refused and left alone', async () => {
  const path = join(temporaryFolder(), 'notes.txt')
  writeFileSync(path, 'these are my notes\n'.repeat(100))
  const before = readFileSync(path)

  const ready = open(path).ready()
  await expect(ready).rejects.toThrow(StoreError)
  await expect(ready).rejects.toThrow(`sqlite store ${path}: file is not a database`)
  expect(readFileSync(path)).toEqual(before)
})

test('a folder that cannot be made is named in one line, and the store recovers once it can', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'occupied'), '')
  const path = join(folder, 'occupied', 'hookonce.db')
  const store = open(path)
  const error = await store.ready().catch(error => error)
  expect(error).toBeInstanceOf(StoreError)
  expect(error.message).toContain(path)
  expect(error.message).not.toContain('\n')

  rmSync(join(folder, 'occupied'))
  await eventually(() =>
    store.ready().then(
      () => true,
      () => false,
    ),
  )
})

test('a path that is a folder is refused', async () => {
  const path = join(temporaryFolder(), 'folder')
  mkdirSync(path)
  await expect(open(path).ready()).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })
})

test('operations asked for before the file is open wait for it', async () => {
  const store = open(join(temporaryFolder(), 'hookonce.db'))
  expect(await store.claim(request('key'))).toMatchObject({ status: 'acquired' })
})
