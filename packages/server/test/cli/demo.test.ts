import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { requireTool, TOOL_TIMEOUT_MS } from '../../../../scripts/test-tools/index.js'
import { brokenPromises, type Figures } from '../../src/cli/demo/verdict.js'
import { until } from '../process/support/until.js'
import { CLI, runCli, temporaryFolder } from '../support/server.js'
import { CONTROL_C, closeTerminals, openTerminal } from '../support/terminal.js'

beforeAll(() => requireTool('python'), TOOL_TIMEOUT_MS)
afterAll(closeTerminals)

/** Where the demo makes its folder, and nobody else. */
function ownTemporary(): string {
  const folder = join(temporaryFolder(), 'tmp')
  mkdirSync(folder)
  return folder
}

const pidsIn = (text: string) => [...text.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('without a terminal it tells what the application counted, and leaves nothing', async () => {
  const folder = ownTemporary()
  const { code, stdout, stderr } = await runCli({
    args: ['demo'],
    env: { TMPDIR: folder, HOOKONCE_MODE: 'inbox', PORT: '1' },
  })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/100 deliveries, 1 charge, 99 replays in \d/)
  const [, ms] = /attempt 2 took over (\d+) ms after the kill/.exec(stdout)!
  // The lease was renewed at most a second before the kill.
  expect(Number(ms)).toBeGreaterThan(1_500)
  expect(stdout).toMatch(/2 deliveries, 1 charge, 1 replay after 2 attempts/)
  expect(stdout).toMatch(/The promise held/)
  expect(stdout).not.toMatch(/Ctrl\+C|dashboard/)
  const pids = pidsIn(stdout)
  expect(pids).toHaveLength(2)
  expect(pids.filter(isRunning)).toEqual([])
  expect(readdirSync(folder)).toEqual([])
})

test('at a terminal it waits with a dashboard until Ctrl+C', async () => {
  const folder = ownTemporary()
  const terminal = await openTerminal({ args: ['demo'], env: { TMPDIR: folder } })
  const [, origin, token] = await terminal.shows(/Look at it: (http:\/\/localhost:\d+)\/dashboard#token=(\S+)/)
  await terminal.shows(/Ctrl\+C/)
  expect((await fetch(`${origin}/dashboard`)).status).toBe(200)
  const answer = await fetch(`${origin}/api/records?source=charges`, { headers: { authorization: `Bearer ${token}` } })
  const { records } = (await answer.json()) as { records: { key: string; attempts: number }[] }
  expect(records.map(({ key, attempts }) => [key, attempts]).sort()).toEqual([
    ['evt_crash', 2],
    ['evt_duplicates', 1],
  ])
  terminal.type(CONTROL_C)
  expect(await terminal.exited).toBe(0)
  expect(pidsIn(terminal.text()).filter(isRunning)).toEqual([])
  expect(readdirSync(folder)).toEqual([])
})

describe('ended in the middle', () => {
  async function inTheMiddle() {
    const folder = ownTemporary()
    const { PATH } = process.env
    const child = spawn(process.execPath, [CLI, 'demo'], {
      env: { PATH, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    let text = ''
    child.stdout.setEncoding('utf8').on('data', chunk => (text += chunk))
    await until('one process was killed', () => text.includes('SIGKILL'))
    return { child, folder, pids: () => pidsIn(text), exited: once(child, 'exit') }
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s it leaves nothing', async (signal, code) => {
    const { child, folder, pids, exited } = await inTheMiddle()
    child.kill(signal)
    expect(await exited).toEqual([code, null])
    expect(readdirSync(folder)).toEqual([])
    await until('its processes are gone', () => !pids().some(isRunning))
  })

  test('by SIGKILL its processes end all the same', async () => {
    const { child, pids, exited } = await inTheMiddle()
    await until('the second process is named', () => pids().length === 2)
    expect(pids().some(isRunning)).toBe(true)
    child.kill('SIGKILL')
    await exited
    await until('its processes are gone', () => !pids().some(isRunning))
  })
})

describe('a promise that is broken is named', () => {
  const held: Figures = {
    answers: [
      { status: 200, isReplay: false, body: 'a' },
      { status: 200, isReplay: true, body: 'a' },
    ],
    attempts: [{ key: 'k', number: 1, begunAt: 0 }],
    charges: 1,
  }

  test('none', () => expect(brokenPromises(held, 1)).toEqual([]))

  test.each<[string, Partial<Figures>, string[]]>([
    ['a second charge', { charges: 2 }, ['2 charges instead of 1']],
    ['no charge', { charges: 0 }, ['0 charges instead of 1']],
    ['a second attempt', { attempts: [...held.attempts, ...held.attempts] }, ['2 attempts instead of 1']],
    [
      'another answer, of a run',
      { answers: [held.answers[0]!, { status: 200, isReplay: false, body: 'b' }] },
      ['2 different answers', '0 replays instead of 1'],
    ],
    [
      'a failure',
      { answers: [held.answers[0]!, { status: 500, isReplay: true, body: 'a' }] },
      ['1 deliveries were not answered 200'],
    ],
  ])('%s', (_, change, expected) => expect(brokenPromises({ ...held, ...change }, 1)).toEqual(expected))
})

test.each([['now'], ['--times=2']])('demo %s is refused', async word => {
  const { code, stdout } = await runCli({ args: ['demo', word] })
  expect([code, stdout]).toEqual([2, ''])
})
