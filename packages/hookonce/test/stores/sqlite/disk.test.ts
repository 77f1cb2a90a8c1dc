import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoreError } from 'hookonce'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { describe, expect, test } from 'vitest'
import { connect, eventually, onCleanup, open, request, temporaryFolder } from './support.js'

function mount(...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

function smallDisk(): string {
  const folder = join(temporaryFolder(), 'disk')
  mkdirSync(folder)
  const problem = mount('-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder)
  if (problem !== undefined) throw new Error(problem)
  onCleanup(() => spawnSync('umount', ['-l', folder]))
  return folder
}

function whyNoMount(): string | undefined {
  const folder = temporaryFolder()
  const problem = mount('-t', 'tmpfs', 'tmpfs', folder)
  if (problem === undefined) spawnSync('umount', [folder])
  return problem
}

const problem = whyNoMount()
const title = problem === undefined ? 'on a small disk' : `on a small disk (SKIPPED, cannot mount a tmpfs: ${problem})`

describe.skipIf(problem !== undefined)(title, () => {
  test('a full disk refuses, writes nothing by halves, and work goes on when there is space again', async () => {
    const folder = smallDisk()
    const store = open(join(folder, 'hookonce.db'))
    const result = Buffer.alloc(40_000, 1)
    const completed: string[] = []
    let refusal: unknown
    for (let next = 0; refusal === undefined; next++) {
      const key = `key ${next}`
      try {
        await store.claim(request(key))
        await store.complete(request(key), `lease of ${key}`, result)
        completed.push(key)
      } catch (error) {
        refusal = error
      }
    }
    expect(refusal).toBeInstanceOf(StoreError)
    expect(refusal).toMatchObject({ effect: 'refused', message: expect.stringContaining('full') })
    for (const key of completed) {
      expect((await store.get(request(key)))?.result?.byteLength).toBe(40_000)
    }

    const big = request('too big for the disk')
    await expect(
      Promise.all([store.claim(big), store.complete(big, big.leaseId, Buffer.alloc(3_000_000))]),
    ).rejects.toMatchObject({ effect: 'refused' })
    expect((await store.get(big))?.state).not.toBe('completed')

    spawnSync('mount', ['-o', 'remount,size=20m', folder])
    await expect(store.ready()).resolves.toBeUndefined()
    const late = request('late')
    expect(await store.claim(late)).toMatchObject({ status: 'acquired', attempt: 1 })
    expect(await store.complete(late, late.leaseId, result)).toMatchObject({ status: 'completed' })
    const db = await connect(join(folder, 'hookonce.db'))
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  })

  test('a full disk refuses a transaction with effects, and nothing of it stands', async () => {
    const folder = smallDisk()
    const path = join(folder, 'hookonce.db')
    const store = open(path)
    await store.claim(request('key'))
    const db = await connect(path)
    db.exec('CREATE TABLE ledger (effect BLOB)')
    const effects = db.prepare('SELECT count(*) AS effects FROM ledger')
    const transact = () =>
      store.transact(request('key'), 'lease of key', tx => {
        tx.prepare('INSERT INTO ledger VALUES (?)').run(Buffer.alloc(100_000))
        return Buffer.from('result')
      })
    const filler = join(folder, 'filler')
    expect(() => writeFileSync(filler, Buffer.alloc(2 * 1024 * 1024))).toThrow(/ENOSPC/)

    await expect(transact()).rejects.toMatchObject({
      code: 'ERR_STORE',
      effect: 'refused',
      message: expect.stringContaining('full'),
    })
    expect(effects.get()).toEqual({ effects: 0 })
    expect(await store.get(request('key'))).toMatchObject({ state: 'running' })

    rmSync(filler)
    expect(await transact()).toMatchObject({ status: 'completed' })
    expect(effects.get()).toEqual({ effects: 1 })
  })

  test('a disk that is full at the start is reported, and the store opens when there is space', async () => {
    const folder = smallDisk()
    writeFileSync(join(folder, 'full'), Buffer.alloc(2 * 1024 * 1024 - 8192))
    const store = open(join(folder, 'hookonce.db'))
    await expect(store.ready()).rejects.toMatchObject({ code: 'ERR_STORE', effect: 'refused' })

    rmSync(join(folder, 'full'))
    await eventually(() =>
      store.ready().then(
        () => true,
        () => false,
      ),
    )
  })

  test('a read-only file system is reported by its name, and so is a path on it without a file', async () => {
    const folder = smallDisk()
    const path = join(folder, 'hookonce.db')
    const first = sqliteStore(path)
    await first.ready()
    await first.close()
    spawnSync('mount', ['-o', 'remount,ro', folder])

    for (const target of [path, join(folder, 'other.db'), join(folder, 'new', 'hookonce.db')]) {
      const store = open(target)
      await expect(store.ready()).rejects.toThrow(StoreError)
      await expect(store.ready()).rejects.toThrow(`sqlite store ${target}: `)
      await expect(store.ready()).rejects.toThrow(/EROFS|read-?only/)
      await expect(store.claim(request('key'))).rejects.toMatchObject({ effect: 'refused' })
    }
  })
})
