import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { must, project, tool } from './project.js'

interface Runner {
  /** Of the folder `apps`. */
  file: string
  type: 'commonjs' | 'module'
  args: string[]
  says: string
}

const jest = tool('jest/bin/jest.js')

const RUNNERS: Record<string, Runner> = {
  'Jest, CommonJS': { file: 'handler.test.cjs', type: 'commonjs', args: [jest], says: '1 passed' },
  'Jest, ES modules': {
    file: 'handler.test.mjs',
    type: 'module',
    args: ['--experimental-vm-modules', jest],
    says: '1 passed',
  },
  vitest: {
    file: 'handler.test.mjs',
    type: 'module',
    args: [tool('vitest/vitest.mjs'), 'run', '--globals', '--config', 'vitest.config.mjs'],
    says: '1 passed',
  },
  'node:test': {
    file: 'node.test.mjs',
    type: 'module',
    args: ['--test', '--test-reporter=tap', 'node.test.mjs'],
    says: '# pass 1',
  },
}

const settings = {
  testMatch: ['**/*.test.?js'],
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'json', 'node'],
  transform: {},
}

const cells = Object.entries(RUNNERS).flatMap(([name, runner]) =>
  Object.entries(inject('nodes')).map(([version, node]) => ({ name, version, node, ...runner })),
)

test.each(cells)('$name on Node.js $version', async ({ node, file, type, args, says }) => {
  const folder = project(file)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type, jest: settings }))
  writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {}')
  expect(await must(folder, node, args)).toContain(says)
})
