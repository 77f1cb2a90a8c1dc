/** Checks the types of both packages and writes their declarations; the library's for `require` are a copy of those for `import`. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [tsc, '-b'], { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

const dist = join(root, 'packages/hookonce/dist')
for (const name of readdirSync(dist, { recursive: true }).filter(file => file.endsWith('.d.ts'))) {
  const declarations = readFileSync(join(dist, name), 'utf8')
  const ofRequire = declarations.replace(/\b(from |import\()(['"]\.{1,2}\/[^'"]*)\.js(?=['"])/g, '$1$2.cjs')
  writeFileSync(join(dist, name.replace(/\.ts$/, '.cts')), ofRequire)
}
