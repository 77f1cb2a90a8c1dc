import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../pages.js'

test('every relative link and anchor leads somewhere, and the Markdown is well formed', () => {
  const cli = join(ROOT, 'node_modules/markdownlint-cli2/markdownlint-cli2-bin.mjs')
  const { stderr } = spawnSync(process.execPath, [cli], { cwd: ROOT, encoding: 'utf8' })
  expect(stderr).toBe('')
})
