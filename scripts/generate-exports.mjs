/**
 * Completes `exports` and `typesVersions` of the library's package.json from the names of its entries and their ES modules; `--check`
 * only compares. An entry is added as one line: `"./adapters/koa": "./dist/adapters/koa.js"`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = fileURLToPath(new URL('../packages/hookonce/package.json', import.meta.url))
const standing = readFileSync(path, 'utf8')
const manifest = JSON.parse(standing)
const moduleOf = target => (typeof target === 'string' ? target : target?.import)
const isCode = ([, target]) => moduleOf(target)?.endsWith('.js')

manifest.exports = Object.fromEntries(
  Object.entries(manifest.exports).map(([name, target]) => {
    const module = moduleOf(target)
    return isCode([name, target])
      ? [name, { import: module, require: module.replace(/\.js$/, '.cjs') }]
      : [name, target]
  }),
)
// For `moduleResolution: node10`, which knows no `exports`.
manifest.typesVersions = {
  '*': Object.fromEntries(
    Object.entries(manifest.exports)
      .filter(entry => entry[0] !== '.' && isCode(entry))
      .map(([name, { require }]) => [name.slice('./'.length), [require.replace(/\.cjs$/, '.d.cts')]]),
  ),
}

const wanted = `${JSON.stringify(manifest, null, 2)}\n`
if (wanted !== standing && process.argv.includes('--check')) {
  console.error('packages/hookonce/package.json is out of date: run node scripts/generate-exports.mjs')
  process.exitCode = 1
} else if (wanted !== standing) writeFileSync(path, wanted)
