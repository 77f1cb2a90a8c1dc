import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withLock } from '../lock.js'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'))
  file = join(folder, 'lock')
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('one at a time, and nothing is left behind', async () => {
  let inside = 0
  let most = 0
  const work = async () => {
    most = Math.max(most, ++inside)
    for (let i = 0; i < 5; i++) await turn()
    inside--
  }
  await Promise.all(Array.from({ length: 5 }, () => withLock(file, work)))
  expect(most).toBe(1)
  expect(readdirSync(folder)).toEqual([])
})

test('work that fails gives the lock back', async () => {
  await expect(withLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(existsSync(file)).toBe(false)
})

test('the lock of a process that died is set aside, by one of those who wait', async () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  writeFileSync(file, `${pid} gone`)
  let inside = 0
  const work = async () => {
    expect(++inside).toBe(1)
    await turn()
    inside--
  }
  await Promise.all([withLock(file, work), withLock(file, work), withLock(file, work)])
  expect(readdirSync(folder)).toEqual([])
})

test('the lock of a living process is respected, and named when the wait is over', async () => {
  writeFileSync(file, `${process.ppid} other`)
  await expect(withLock(file, async () => {}, 120)).rejects.toThrow(`held by process ${process.ppid} other`)
  expect(readFileSync(file, 'utf8')).toBe(`${process.ppid} other`)
})
