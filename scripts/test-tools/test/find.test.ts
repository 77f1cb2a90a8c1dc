import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findTool, type Machine } from '../find.js'
import type { Tool } from '../tool.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'test-tools-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

const tool: Tool = {
  name: 'Hammer 2 or newer',
  why: 'the tests of nails hit them',
  env: 'TEST_HAMMER',
  commands: ['hammer2', 'hammer'],
  works: ['--version'],
  apt: ['hammer', 'hammer-handle'],
}

function machine(parts: Partial<Machine> = {}): Machine & { said: string[] } {
  const said: string[] = []
  return { env: { PATH: folder }, isRoot: false, say: line => said.push(line), said, ...parts }
}

function script(name: string, ...lines: string[]): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`)
  chmodSync(path, 0o755)
  return path
}

/** Answers like apt-get, keeps what it was asked, and puts a hammer on PATH. */
function fakeApt(hammer = 'exit 0'): () => string[] {
  const log = join(folder, 'apt.log')
  script(
    'apt-get',
    `echo "$* $DEBIAN_FRONTEND" >> ${log}`,
    `if [ "$1" = install ]; then printf '#!/bin/sh\\n${hammer}\\n' > ${folder}/hammer; /bin/chmod +x ${folder}/hammer; fi`,
  )
  return () => readFileSync(log, 'utf8').trim().split('\n')
}

const yes = async () => true
const no = async () => false
const MISSING =
  'Hammer 2 or newer is missing: the tests of nails hit them. ' +
  'Install it (on Debian: apt-get install hammer hammer-handle) or set TEST_HAMMER to Hammer 2 or newer.'

test('a given command comes before PATH', async () => {
  script('hammer', 'exit 0')
  const own = script('own-hammer', 'exit 0')
  expect(await findTool(tool, machine({ env: { PATH: folder, TEST_HAMMER: own } }))).toBe(own)
})

test('a given command that does not work fails, whatever is on PATH', async () => {
  script('hammer', 'exit 0')
  const own = script('own-hammer', 'exit 1')
  await expect(findTool(tool, machine({ env: { PATH: folder, TEST_HAMMER: own } }))).rejects.toThrow(
    `TEST_HAMMER=${own} does not work: it must be Hammer 2 or newer (the tests of nails hit them)`,
  )
})

test('a given command that does not exist fails', async () => {
  await expect(findTool(tool, machine({ env: { TEST_HAMMER: '/nowhere/hammer' } }))).rejects.toThrow('does not work')
})

test('a given command is asked for more, where a found one is prepared', async () => {
  const gilded: Tool = {
    ...tool,
    given: { works: ['--gilded'], is: 'a gilded hammer' },
    prepare: async command => `${command}, gilded`,
  }
  const found = script('hammer', '[ "$1" = --version ]')
  const own = script('own-hammer', '[ "$1" = --gilded ]')
  expect(await findTool(gilded, machine())).toBe(`${found}, gilded`)
  expect(await findTool(gilded, machine({ env: { TEST_HAMMER: own } }))).toBe(own)
  await expect(findTool(gilded, machine({ env: { TEST_HAMMER: found } }))).rejects.toThrow('it must be a gilded hammer')
  await expect(findTool(gilded, machine({ env: { PATH: '' } }))).rejects.toThrow(
    'or set TEST_HAMMER to a gilded hammer.',
  )
})

test('an empty variable gives nothing', async () => {
  const found = script('hammer', 'exit 0')
  expect(await findTool(tool, machine({ env: { PATH: folder, TEST_HAMMER: '' } }))).toBe(found)
})

test('on PATH, the first name that works is taken', async () => {
  const hammer = script('hammer', 'exit 0')
  expect(await findTool(tool, machine())).toBe(hammer)
  const hammer2 = script('hammer2', '[ "$1" = --version ]')
  expect(await findTool(tool, machine())).toBe(hammer2)
  script('hammer2', 'exit 1')
  expect(await findTool(tool, machine())).toBe(hammer)
})

test('folders of the tool are looked in after PATH', async () => {
  const hammer = script('hammer', 'exit 0')
  const inFolder = { ...tool, folders: () => ['/nowhere', folder] }
  expect(await findTool(inFolder, machine({ env: { PATH: '' } }))).toBe(hammer)
  expect(await findTool({ ...tool, folders: () => ['/nowhere'] }, machine())).toBe(hammer)
})

test('what is not executable is passed over', async () => {
  chmodSync(script('hammer', 'exit 0'), 0o644)
  await expect(findTool(tool, machine())).rejects.toThrow(MISSING)
})

test('root without a terminal gets it from apt, and is told', async () => {
  const asked = fakeApt()
  const container = machine({ isRoot: true })
  expect(await findTool(tool, container)).toBe(join(folder, 'hammer'))
  expect(asked()).toEqual([
    'update noninteractive',
    'install -y --no-install-recommends hammer hammer-handle noninteractive',
  ])
  expect(container.said).toEqual([
    'Hammer 2 or newer is missing: the tests of nails hit them. Installing hammer hammer-handle with apt-get.',
  ])
})

test('what apt installed is prepared too', async () => {
  fakeApt()
  const prepare = async (command: string) => `${command}, prepared`
  expect(await findTool({ ...tool, prepare }, machine({ isRoot: true }))).toBe(join(folder, 'hammer, prepared'))
})

test('at a terminal apt runs after a yes only', async () => {
  const asked = fakeApt()
  await expect(findTool(tool, machine({ isRoot: true, ask: no }))).rejects.toThrow(MISSING)
  expect(asked).toThrow('ENOENT')
  const questions: string[] = []
  const ask = (question: string) => {
    questions.push(question)
    return yes()
  }
  expect(await findTool(tool, machine({ isRoot: true, ask }))).toBe(join(folder, 'hammer'))
  expect(questions).toEqual([
    'Hammer 2 or newer is missing: the tests of nails hit them. Install hammer hammer-handle with apt-get?',
  ])
})

test('apt is not asked by somebody who is not root', async () => {
  const asked = fakeApt()
  await expect(findTool(tool, machine({ ask: yes }))).rejects.toThrow(MISSING)
  expect(asked).toThrow('ENOENT')
})

test('without apt the error says what is missing and how to give it', async () => {
  await expect(findTool(tool, machine({ isRoot: true }))).rejects.toThrow(MISSING)
})

test.each(['update', 'install'])('a failing apt-get %s says why', async failing => {
  script('apt-get', `if [ "$1" = ${failing} ]; then echo reading; echo E: no network >&2; exit 100; fi`)
  await expect(findTool(tool, machine({ isRoot: true }))).rejects.toThrow(
    new RegExp(`^Hammer 2 or newer is missing: the tests of nails hit them; apt-get ${failing}.*: E: no network$`),
  )
})

test('a package that brings no usable command is an error', async () => {
  fakeApt('exit 1')
  await expect(findTool(tool, machine({ isRoot: true }))).rejects.toThrow(
    'Hammer 2 or newer is missing: the tests of nails hit them, after apt-get install hammer hammer-handle too',
  )
})
