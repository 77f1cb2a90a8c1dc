/** Writes what the documentation says by the code: `docs/reference`. `--check` only compares. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SENDERS } from '../packages/hookonce/dist/senders/index.js'
import { optionsTable } from './docs-pages/options.mjs'
import { problemsTable } from './docs-pages/problems.mjs'
import { listOf, pageOf } from './docs-pages/senders.mjs'
import { settingsTable } from './docs-pages/settings.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const REFERENCE = 'docs/reference'
const FOLDER = `${REFERENCE}/senders`

const read = path => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
const kinds = [...SENDERS.values()].sort((one, other) => one.facts.title.localeCompare(other.facts.title, 'en'))

/** What stands in a page between `<!-- name, generated -->` and `<!-- end -->`. */
const PARTS = {
  senders: () => listOf(kinds),
  settings: settingsTable,
  problems: problemsTable,
  source: () => optionsTable('hookonce', 'SourceSettings'),
  receiver: () => optionsTable('hookonce', 'ReceiverOptions', 'SourceSettings'),
  inbox: () => optionsTable('hookonce', 'InboxOptions'),
  'inbox source': () => optionsTable('hookonce', 'InboxSourceOptions', 'SourceSettings'),
  sqlite: () => optionsTable('sqlite', 'SqliteStoreOptions'),
  redis: () => optionsTable('redis', 'RedisStoreOptions'),
  postgres: () => optionsTable('postgres', 'PostgresStoreOptions'),
  memory: () => optionsTable('memory', 'MemoryStoreOptions'),
  'config file': () => optionsTable('server', 'SourceConfig'),
}
const part = (_, start, name) => `${start}\n${PARTS[name]()}\n\n`

const wanted = new Map(
  kinds.map(kind => {
    const { name } = kind.facts
    return [`${FOLDER}/${name}.md`, pageOf(kind, read(`packages/hookonce/src/senders/${name}.ts`))]
  }),
)
for (const page of ['senders', 'settings', 'problems', 'library']) {
  const path = `${REFERENCE}/${page}.md`
  wanted.set(path, read(path).replace(/(<!-- (.+), generated -->\n)[\s\S]*?(?=<!-- end -->)/g, part))
}

const pages = readdirSync(join(root, FOLDER)).map(file => `${FOLDER}/${file}`)
for (const path of new Set([...wanted.keys(), ...pages])) {
  const text = wanted.get(path)
  if (text === read(path)) continue
  if (process.argv.includes('--check')) {
    console.error(`${path} is out of date: run node scripts/generate-docs.mjs`)
    process.exitCode = 1
  } else if (text === undefined) rmSync(join(root, path))
  else writeFileSync(join(root, path), text)
}
