import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { must, project, tool } from './project.js'

const typescript5 = tool('typescript/bin/tsc')
const typescript6 = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

const shared = {
  strict: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  types: ['node'],
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  // Fastify's own types need it.
  esModuleInterop: true,
}

test.each([
  ['node10', 'commonjs', typescript5, { module: 'commonjs', moduleResolution: 'node10' }],
  [
    'node10, TypeScript 6',
    'commonjs',
    typescript6,
    { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
  ],
  ['node16, CommonJS', 'commonjs', typescript5, { module: 'node16' }],
  ['node16, ES modules', 'module', typescript5, { module: 'node16' }],
  ['nodenext, ES modules', 'module', typescript6, { module: 'nodenext' }],
  ['bundler', 'module', typescript6, { module: 'esnext', moduleResolution: 'bundler' }],
] as const)('%s: a strict consumer of every entry compiles without a word', async (_, type, tsc, options) => {
  const folder = project('consumer.ts')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...shared, ...options }, files: ['consumer.ts'] }),
  )
  expect(await must(folder, process.execPath, [tsc, '-p', '.'])).toBe('')
})
