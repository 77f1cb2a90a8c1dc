import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../../packages/server/test/support/server.js'
import { requireTool, TOOL_TIMEOUT_MS } from '../test-tools/index.js'
import { run } from '../test-tools/run.js'
import { deployText } from './files.js'

let systemdAnalyze: string

beforeAll(async () => {
  systemdAnalyze = await requireTool('systemd')
}, TOOL_TIMEOUT_MS)

/** A copy of the unit whose command is on this machine. */
function unit(...replaced: [string, string][]): string {
  const path = join(temporaryFolder(), 'hookonce.service')
  writeFileSync(
    path,
    deployText('systemd/hookonce.service', [['ExecStart=/usr/bin/node', 'ExecStart=/bin/true'], ...replaced]),
  )
  return path
}

test('systemd has nothing to say against the unit', async () => {
  expect(await run(systemdAnalyze, ['verify', unit()])).toEqual({ code: 0, output: '' })
})

test('systemd would say so', async () => {
  const { output } = await run(systemdAnalyze, ['verify', unit(['TimeoutStopSec=', 'TimeoutStopsec='])])
  expect(output).toContain('TimeoutStopsec')
})

test('the unit leaves the service little that it does not need', async () => {
  const { code, output } = await run(systemdAnalyze, ['security', '--offline=true', '--threshold=20', unit()])
  expect(code, output).toBe(0)
})
