// Makes `pages/` of the documentation and the API reference: what leaves `docs/` becomes a link to the repository.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = resolve(here, '..')
const docs = join(root, 'docs')
const pages = join(here, 'pages')
const REPOSITORY = 'https://github.com/hookonce/hookonce'

rmSync(pages, { recursive: true, force: true })
for (const file of readdirSync(docs, { recursive: true })) {
  const source = join(docs, file)
  if (!statSync(source).isFile()) continue
  const target = join(pages, file.replace(/(^|\/)README\.md$/, '$1index.md'))
  mkdirSync(dirname(target), { recursive: true })
  if (file.endsWith('.md')) writeFileSync(target, withLinks(readFileSync(source, 'utf8'), dirname(source)))
  else cpSync(source, target)
}
const home = readFileSync(join(pages, 'index.md'), 'utf8').replace(/^# .*\n/, '')
writeFileSync(join(pages, 'index.md'), readFileSync(join(here, 'home.md'), 'utf8') + home)
execFileSync(process.execPath, [join(here, 'node_modules/typedoc/bin/typedoc')], { cwd: here, stdio: 'inherit' })

/** @throws {Error} a link leads nowhere */
function withLinks(text, folder) {
  return text.replace(/\]\((?!\w+:|#)([^)#\s]+)(#[^)]*)?\)/g, (link, path, anchor = '') => {
    const target = resolve(folder, path)
    if (!existsSync(target)) throw new Error(`${folder}: ${link} leads nowhere`)
    const isPage = target.startsWith(`${docs}/`) && statSync(target).isFile()
    if (isPage) return `](${path.replace(/README\.md$/, 'index.md')}${anchor})`
    const kind = statSync(target).isFile() ? 'blob' : 'tree'
    return `](${REPOSITORY}/${kind}/main/${relative(root, target)}${anchor})`
  })
}
