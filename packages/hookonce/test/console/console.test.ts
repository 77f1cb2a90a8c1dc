import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Where the package is installed alone, without any driver. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookonce-console-'))
  const library = new URL('../..', import.meta.url).pathname
  const installed = join(folder, 'node_modules/hookonce')
  for (const part of ['dist', 'package.json']) await cp(join(library, part), join(installed, part), { recursive: true })
  await cp(new URL('./child.mjs', import.meta.url).pathname, join(folder, 'app.mjs'))
})
afterAll(() => rm(folder, { recursive: true }))

/** What a developer sees: what was answered, and standard error. */
const run = (mistake: string) =>
  new Promise<{ answered: string; stderr: string }>(resolve => {
    const { NODE_OPTIONS: _, ...env } = process.env
    execFile(process.execPath, ['app.mjs', mistake, join(folder, 'x.db')], { cwd: folder, env }, (_, stdout, stderr) =>
      resolve({ answered: stdout.trim(), stderr }),
    )
  })

/** The first line of each warning, without the process' id. */
const warnings = (stderr: string) =>
  stderr
    .split('\n')
    .filter(line => line.includes('HookonceWarning'))
    .map(line => line.replace(/^\(node:\d+\) /, ''))

const page = readFile(new URL('../../../../docs/reference/problems.md', import.meta.url), 'utf8')

describe('the console of a developer says what is wrong, in the words of the documentation', () => {
  const documented = async (line: string) => expect(await page).toContain(line)

  test('the driver of Redis is missing', async () => {
    const { answered, stderr } = await run('redis')
    const said =
      '[HOOKONCE_STORE_FAILED] HookonceWarning: source orders: the store failed to claim: redisStore needs the package ioredis: npm install ioredis'
    expect([answered, warnings(stderr).length]).toEqual(['503', 1])
    expect(stderr).toContain(said)
    await documented(said)
  })

  test('the driver of Postgres is missing', async () => {
    const { answered, stderr } = await run('postgres')
    expect([answered, warnings(stderr).length]).toEqual(['503', 1])
    expect(stderr).toContain('postgresStore with a URL needs the package pg: npm install pg')
  })

  // Later versions have one of their own.
  test.runIf(Number(process.versions.node.split('.')[0]) < 24)('the driver of SQLite is missing', async () => {
    const { answered, stderr } = await run('sqlite')
    expect(answered).toBe('')
    expect(stderr).toContain('npm install @photostructure/sqlite')
  })

  test('a handler throws', async () => {
    const { answered, stderr } = await run('handler')
    const said =
      '[HOOKONCE_HANDLER_THREW] HookonceWarning: source orders: the handler of attempt 1 threw Error: the card was declined'
    expect([answered, warnings(stderr)]).toEqual(['500', [said]])
    expect(stderr).toMatch(
      /\n {4}at charge .*app\.mjs:\d+:\d+\)\n[\s\S]*\ncaused by Error: 402 from the bank\n {4}at charge /,
    )
    await documented(said)
    await documented('caused by Error: 402 from the bank')
  })

  test('an option is wrong', async () => {
    const { answered, stderr } = await run('option')
    const said = 'ConfigurationError: createReceiver has no option retentionMS; did you mean retentionMs?'
    expect(answered).toBe('')
    expect(stderr).toContain(said)
    await documented(said)
  })

  test('the body was read before, and not kept', async () => {
    const { answered, stderr } = await run('body')
    const said =
      '[HOOKONCE_RECEIVER_FAILED] HookonceWarning: source orders: a delivery could not be answered: TypeError: The body was read before handleNode, and its bytes were not kept: mount it before body parsers, or leave the bytes as a Buffer in req.rawBody'
    expect([answered, warnings(stderr)]).toEqual(['500', [said]])
    await documented(said)
  })
})
