import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BUGS } from '../bugs/index.js'
import { page } from '../table.js'
import { ROOT, seeded } from '../tree.js'

const bugs = Object.values(BUGS).flat()

describe('the bugs that are seeded', () => {
  test.each(bugs)('$name', bug => {
    const text = readFileSync(join(ROOT, bug.file), 'utf8')
    expect(seeded(text, bug)).not.toBe(text)
    for (const file of bug.tests) expect(existsSync(join(ROOT, file)), file).toBe(true)
  })

  test('are different ones', () => {
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length)
  })

  test('are all in the documentation (npm run seeded-bugs -- --page)', () => {
    expect(readFileSync(join(ROOT, 'docs/internals/seeded-bugs.md'), 'utf8')).toBe(page())
  })
})

test('a text that is not there exactly once is no bug', () => {
  const bug = { name: 'a bug', file: 'file', find: 'one', replace: 'two', tests: [] }
  expect(() => seeded('none', { ...bug, find: 'two' })).toThrow('0 times')
  expect(() => seeded('one and one', bug)).toThrow('2 times')
})
