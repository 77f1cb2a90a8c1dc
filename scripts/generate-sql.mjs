/** Compiles each SQL store's `sql/*.sql` and `migrations/*.sql` into its `sql.generated.ts`; `--check` only compares. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stores = join(root, 'packages/hookonce/src/stores')

const camelCase = name => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())
const literal = text => `\`${text.replace(/[\\`]|\$(?=\{)/g, '\\$&')}\``
const sqlFiles = folder =>
  readdirSync(folder)
    .filter(file => file.endsWith('.sql'))
    .sort()
    .map(file => ({ name: file.slice(0, -'.sql'.length), text: readFileSync(join(folder, file), 'utf8').trim() }))

function compile(store) {
  const statements = sqlFiles(join(store, 'sql')).map(({ name, text }) => {
    if (!text.startsWith('--')) throw new Error(`${name}.sql has no header comment`)
    return `  ${camelCase(name)}: ${literal(text.replace(/^(--.*\n)+/, ''))},`
  })
  const migrations = sqlFiles(join(store, 'migrations')).map(({ name, text }, index) => {
    if (Number.parseInt(name, 10) !== index + 1) throw new Error(`migrations are numbered from 1 on: ${name}.sql`)
    return `  ${literal(text)},`
  })
  return [
    '// Generated from sql/ and migrations/ by scripts/generate-sql.mjs. Do not edit.',
    `export const sql = {\n${statements.join('\n')}\n} as const`,
    `export const migrations: readonly string[] = [\n${migrations.join('\n')}\n]\n`,
  ].join('\n\n')
}

for (const { name } of readdirSync(stores, { withFileTypes: true }).filter(entry => entry.isDirectory())) {
  const store = join(stores, name)
  if (!existsSync(join(store, 'sql')) || !existsSync(join(store, 'migrations'))) continue
  const target = join(store, 'sql.generated.ts')
  const wanted = compile(store)
  const standing = existsSync(target) ? readFileSync(target, 'utf8') : undefined
  if (wanted === standing) continue
  if (process.argv.includes('--check')) {
    console.error(`${relative(root, target)} is out of date: run node scripts/generate-sql.mjs`)
    process.exitCode = 1
  } else writeFileSync(target, wanted)
}
