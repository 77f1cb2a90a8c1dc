import { Progress, print, printJson, printTable } from '../commands/print.js'
import type { ExitCode } from '../exit-code.js'
import { type Query, ServerApi } from '../server-api.js'
import type { EventsOptions } from './options.js'
import { type ListedRow, pagesOf, shownAs } from './pages.js'
import { replay } from './replay.js'

/** Shows or replays what a running server keeps of its deliveries. @throws {StartError} @throws {ServerAway} */
export async function events(options: EventsOptions, env: NodeJS.ProcessEnv): Promise<ExitCode> {
  const api = new ServerApi(options.url, env)
  switch (options.action) {
    case 'list':
      return list(api, options)
    case 'show':
      return show(api, options)
    case 'replay':
      return replay(api, options)
  }
}

async function list(api: ServerApi, options: EventsOptions): Promise<ExitCode> {
  const rows: ListedRow[] = []
  const progress = new Progress()
  for (const source of await sourcesOf(api, options)) {
    let inSource = 0
    for await (const { found, looked } of pagesOf(api, options, source)) {
      rows.push(...found)
      inSource += found.length
      progress.update(`${looked} looked at, ${rows.length} found`)
      if (inSource >= options.limit) break
    }
  }
  progress.end()
  const newest = rows.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, options.limit)
  if (options.json) printJson({ events: newest })
  else {
    const { head, row } = shownAs(options.which)
    printTable(head, newest.map(row))
  }
  return 0
}

async function sourcesOf(api: ServerApi, { source }: EventsOptions): Promise<string[]> {
  if (source !== undefined) return [source]
  return (await api.get<{ name: string }[]>('api/sources')).map(({ name }) => name)
}

interface Message {
  method: string
  url: string
  headers: [name: string, value: string][]
  body: string | null
  body_encoding: string
}

async function show(api: ServerApi, { words, which, source = 'default', json }: EventsOptions): Promise<ExitCode> {
  const query: Query = { source, id: words[0] }
  const path = which === 'refused' ? 'api/refused/delivery' : 'api/delivery'
  const found = await api.find<Record<string, unknown>>(path, query)
  if (found === undefined) {
    process.stderr.write(`hookonce: the source ${source} keeps no such delivery, or not any more\n`)
    return 1
  }
  if (json) {
    printJson(found)
    return 0
  }
  const { findings = [], delivery, ...facts } = found as { findings?: { text: string }[]; delivery?: Message }
  const { method, url, headers, body, body_encoding, ...fields } = { ...facts, ...delivery } as Message
  for (const [name, value] of Object.entries(fields)) print(`${name.padEnd(14)}${value ?? '-'}`)
  for (const { text } of findings) print(`→ ${text}`)
  print(`\n${method} ${url}`)
  for (const [name, value] of headers) print(`  ${name}: ${value}`)
  print(body === null ? '\n  (the body is not shown)' : `\n${body_encoding === 'base64' ? '(base64) ' : ''}${body}`)
  return 0
}
