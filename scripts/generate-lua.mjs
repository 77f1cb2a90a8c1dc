/**
 * Compiles the Redis store's `lua/*.lua` into its `lua.generated.ts`; `--check` only compares. A line `-- @include x` stands
 * for `lua/include/x.lua`.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const store = join(root, 'packages/hookonce/src/stores/redis')
const target = join(store, 'lua.generated.ts')

const camelCase = name => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
const literal = text => `\`${text.replace(/[\\`]|\$(?=\{)/g, '\\$&')}\``

const include = (_, name) => {
  const text = readFileSync(join(store, 'lua/include', `${name}.lua`), 'utf8')
  return text.replace(/^(?:--.*\n)*/, '').trim()
}

const scripts = readdirSync(join(store, 'lua'))
  .filter(file => file.endsWith('.lua'))
  .sort()
  .map(file => {
    const text = readFileSync(join(store, 'lua', file), 'utf8').trim()
    const [, flags, header, body] = /^(#!lua.*\n)?((?:-- (?!@include).*\n|--\n)*)([\s\S]*)$/.exec(text)
    if (header === '') throw new Error(`${file} has no header comment`)
    const script = (flags ?? '') + body.replace(/^ *-- @include (\w+)$/gm, include)
    const sha = createHash('sha1').update(script).digest('hex')
    return `  ${camelCase(file.slice(0, -'.lua'.length))}: {\n    sha: '${sha}',\n    text: ${literal(script)},\n  },`
  })

const wanted = [
  '// Generated from lua/ by scripts/generate-lua.mjs. Do not edit.',
  `export const scripts = {\n${scripts.join('\n')}\n} as const\n`,
].join('\n\n')
const standing = existsSync(target) ? readFileSync(target, 'utf8') : undefined
if (wanted !== standing) {
  if (process.argv.includes('--check')) {
    console.error(`${relative(root, target)} is out of date: run node scripts/generate-lua.mjs`)
    process.exitCode = 1
  } else writeFileSync(target, wanted)
}
