import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { requireTool, TOOL_TIMEOUT_MS } from '../index.js'
import { preparePython } from '../python.js'
import { run } from '../run.js'

let python: string
let folder: string
let requirements: string
const made = new Set<string>()

beforeAll(async () => {
  python = await requireTool('python')
}, TOOL_TIMEOUT_MS)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'python-'))
  requirements = join(folder, 'requirements.txt')
  // Its own, so that no other run has made it already.
  writeFileSync(requirements, `# ${folder}\n`)
})

afterEach(() => {
  for (const path of [folder, ...made]) rmSync(path, { recursive: true, force: true })
  made.clear()
})

/** Makes an environment whose Python is itself, and keeps what pip was asked for. */
function fakePython(version: string): string {
  const path = join(folder, 'fake-python')
  const lines = [
    '#!/bin/sh',
    `if [ "$1" = -c ]; then echo ${version}; fi`,
    'if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi',
    `if [ "$2" = pip ]; then echo "$*" >> ${folder}/pip.log; echo collecting; grep -q broken ${requirements} && { echo ERROR: broken; exit 1; }; fi`,
    'exit 0',
  ]
  writeFileSync(path, lines.join('\n'))
  chmodSync(path, 0o755)
  return path
}

async function prepare(version = '3.9'): Promise<string> {
  const inside = await preparePython(fakePython(version), requirements)
  made.add(dirname(dirname(inside)))
  return inside
}

const installs = () => readFileSync(join(folder, 'pip.log'), 'utf8').trim().split('\n')

test('the Python that tests get imports what the example needs', async () => {
  expect(await run(python, ['-c', 'import fastapi, uvicorn'])).toEqual({ code: 0, output: '' })
})

test('an environment is made once for the same Python and the same requirements', async () => {
  const first = await prepare()
  expect(await prepare()).toBe(first)
  expect(installs()).toEqual([
    expect.stringContaining(`install --quiet --disable-pip-version-check -r ${requirements}`),
  ])
  const newer = await prepare('3.10')
  expect(newer).not.toBe(first)
  writeFileSync(requirements, `# ${folder}, changed\n`)
  expect(await prepare('3.10')).not.toBe(newer)
  expect(installs()).toHaveLength(3)
})

test('one that was left half-made is made anew', async () => {
  const environment = dirname(dirname(await prepare()))
  rmSync(join(environment, 'complete'))
  writeFileSync(join(environment, 'left-over'), '')
  await prepare()
  expect(existsSync(join(environment, 'left-over'))).toBe(false)
  expect(installs()).toHaveLength(2)
})

test('requirements that cannot be installed fail with what pip says, every time', async () => {
  writeFileSync(requirements, `# broken ${folder}\n`)
  for (let i = 0; i < 2; i++) {
    await expect(prepare()).rejects.toThrow(/-m pip install .*requirements\.txt: ERROR: broken$/)
  }
})
