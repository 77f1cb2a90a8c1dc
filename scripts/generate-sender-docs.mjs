/** Writes `docs/reference/senders/*.md`, and the table in `docs/reference/senders.md`, from the facts of the senders; `--check` only compares. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SENDERS } from '../packages/hookonce/dist/senders/index.js'
import { listOf, pageOf } from './sender-docs/pages.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const GUIDE = 'docs/reference/senders.md'
const FOLDER = 'docs/reference/senders'

const read = path => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
const kinds = [...SENDERS.values()].sort((one, other) => one.facts.title.localeCompare(other.facts.title, 'en'))

const wanted = new Map(
  kinds.map(kind => {
    const { name } = kind.facts
    return [`${FOLDER}/${name}.md`, pageOf(kind, read(`packages/hookonce/src/senders/${name}.ts`))]
  }),
)
const marked = /(?<=<!-- senders, generated -->\n)[\s\S]*?(?=<!-- end -->)/
wanted.set(
  GUIDE,
  read(GUIDE).replace(marked, () => `\n${listOf(kinds)}\n\n`),
)

const pages = readdirSync(join(root, FOLDER)).map(file => `${FOLDER}/${file}`)
for (const path of new Set([...wanted.keys(), ...pages])) {
  const text = wanted.get(path)
  if (text === read(path)) continue
  if (process.argv.includes('--check')) {
    console.error(`${path} is out of date: run node scripts/generate-sender-docs.mjs`)
    process.exitCode = 1
  } else if (text === undefined) rmSync(join(root, path))
  else writeFileSync(join(root, path), text)
}
