import { memoryJournal } from 'hookonce/stores/memory'
import { ALL_SHOWN } from '../../config/redaction.js'
import { fullRecord, recordSummary } from '../../http/record-json.js'
import { readNotes } from '../../journal/record-notes.js'
import { countDead, type DeadSelection, redriveDead } from '../../operator/dead-letters.js'
import type { FoundRecord } from '../../operator/event-search.js'
import { type RecordQuery, type RecordSearchContext, searchRecords } from '../../operator/record-search.js'
import type { ExitCode } from '../exit-code.js'
import { timeOption } from '../time-option.js'
import type { CommandStore } from './command-store.js'
import type { StoreCommand } from './parse.js'
import { Progress, print, printJson, printTable } from './print.js'

const PAGE = 50
const MAX_PER_PAGE = 500

type Options = StoreCommand['options']
type RecordQueryFilter = Omit<RecordQuery, 'limit' | 'after'>

export async function listRecords(opened: CommandStore, { options }: StoreCommand): Promise<ExitCode> {
  const limit = Number(options.get('limit') ?? PAGE)
  const filter = filterOf(options)
  const records: FoundRecord[] = []
  let next = options.get('after')
  do {
    const pageLimit = Math.min(limit - records.length, MAX_PER_PAGE)
    const page = await searchRecords(searchContext(opened), { ...filter, limit: pageLimit, after: next })
    records.push(...page.records)
    next = page.next
  } while (next !== undefined && records.length < limit)
  if (options.has('json'))
    printJson({ records: records.map(record => recordSummary.json(record)), ...(next !== undefined && { next }) })
  else {
    const isTyped = records.some(({ eventType }) => eventType !== undefined)
    printTable(
      ['SOURCE', 'KEY', 'LABEL', ...(isTyped ? ['TYPE'] : []), 'STATE', 'ATTEMPTS', 'CREATED', 'LAST ERROR'],
      records.map(({ scope, key, label, eventType, state, attempts, createdAt, lastError }) => [
        scope,
        key,
        label ?? '',
        ...(isTyped ? [eventType ?? ''] : []),
        state,
        String(attempts),
        new Date(createdAt).toISOString(),
        lastError ?? '',
      ]),
    )
    if (next !== undefined) print(`there are more: --after ${next}`)
  }
  return 0
}

/** @throws {StartError} a time is none */
function filterOf(options: Options): RecordQueryFilter {
  const time = (name: string) => {
    const given = options.get(name)
    return given === undefined ? undefined : timeOption(`--${name}`, given)
  }
  return {
    source: options.get('source'),
    state: options.get('state') as FoundRecord['state'] | undefined,
    label: options.get('label'),
    type: options.get('type'),
    key: options.get('key-prefix'),
    term: options.get('term'),
    error: options.get('error'),
    since: time('since'),
    until: time('until'),
  }
}

const searchContext = ({ receiver, store, config }: CommandStore): RecordSearchContext => ({
  receiver,
  journal: store.journal ?? memoryJournal(),
  config,
})

const sourceOf = (options: Options): string => options.get('source') ?? 'default'

export async function showRecord(
  { receiver, store, config }: CommandStore,
  { words, options }: StoreCommand,
): Promise<ExitCode> {
  const source = sourceOf(options)
  const record = await receiver.record(source, words[0]!)
  if (record === undefined) {
    process.stderr.write(`hookonce: nothing is recorded for this key of the source ${source}\n`)
    return 1
  }
  const notes = store.journal && (await readNotes(store.journal, record))
  const described = fullRecord.json({ ...record, ...notes }, config.sources.get(source)?.shown ?? ALL_SHOWN)
  if (options.has('json')) printJson(described)
  else {
    const { response, delivery, inbox, history, duplicates, failed_answer: failed, ...fields } = described
    printFields({ ...fields, ...inbox, ...(duplicates && duplicateFields(duplicates)) })
    if (history.length > 0) printHistory(history)
    if (failed !== undefined) {
      print(`\nattempt ${failed.attempt} was answered ${failed.status}`)
      printBody(failed)
    }
    if (delivery !== undefined) printMessage(`delivery  ${delivery.method} ${delivery.url}`, delivery)
    if (response !== undefined) printMessage(`response  ${response.status}`, response)
  }
  return 0
}

type FullRecord = ReturnType<typeof fullRecord.json>

function printFields(fields: object): void {
  for (const [name, value] of Object.entries(fields)) print(`${name.padEnd(20)}${value ?? '-'}`)
}

function duplicateFields({ count, first_at, last_at, at_least }: NonNullable<FullRecord['duplicates']>) {
  return {
    duplicates: at_least ? `at least ${count}` : count,
    ...(count > 0 && { first_duplicate_at: first_at, last_duplicate_at: last_at }),
  }
}

function printHistory(history: FullRecord['history']): void {
  print('')
  printTable(
    ['ATTEMPT', 'BEGAN', 'TOOK', 'OUTCOME', 'PROCESS'],
    history.map(({ number, began_at, took_ms, outcome, process }) => [
      ...[String(number), began_at ?? '-', took_ms === null ? '-' : `${took_ms} ms`, String(outcome), process],
    ]),
  )
}

interface Body {
  body: string | null
  body_encoding: string
}

interface Message extends Body {
  headers: readonly (readonly [string, string])[]
}

function printMessage(title: string, { headers, ...body }: Message): void {
  print(`\n${title}`)
  for (const [name, value] of headers) print(`  ${name}: ${value}`)
  printBody(body)
}

function printBody({ body, body_encoding }: Body): void {
  print(body === null ? '\n  (the body is not shown)' : `\n${body_encoding === 'base64' ? '(base64) ' : ''}${body}`)
}

export async function deleteRecords({ receiver }: CommandStore, { words, options }: StoreCommand): Promise<ExitCode> {
  const source = sourceOf(options)
  const outcomes: { key: string; outcome: string }[] = []
  for (const key of words) {
    outcomes.push({ key, outcome: await receiver.deleteRecord(source, key, { force: options.has('force') }) })
  }
  return report(options, outcomes, ['deleted'], { running: 'an attempt is running; --force deletes it anyway' })
}

export async function redriveRecords(opened: CommandStore, command: StoreCommand): Promise<ExitCode> {
  const { words, options } = command
  if (options.has('dead')) return redriveAllDead(opened, options)
  const outcomes: { key: string; outcome: string }[] = []
  const waiting = options.has('waiting')
  for (const key of words) {
    const outcome = await opened.inbox.redrive(sourceOf(options), key, { completed: options.has('completed'), waiting })
    outcomes.push({ key, outcome })
  }
  return report(options, outcomes, ['redriven', 'due'], {
    absent: 'nothing was accepted for it',
    busy: waiting ? 'an attempt is running' : 'it has attempts left; --waiting makes the next one due at once',
    completed: '--completed processes it again',
  })
}

function report(
  options: Options,
  outcomes: { key: string; outcome: string }[],
  good: string[],
  hints: Record<string, string>,
): ExitCode {
  for (const { key, outcome } of outcomes) {
    if (options.has('json')) printJson({ key, outcome })
    else print(`${outcome.padEnd(10)}${key}${hints[outcome] === undefined ? '' : `  (${hints[outcome]})`}`)
  }
  return outcomes.every(({ outcome }) => good.includes(outcome)) ? 0 : 1
}

/** Redrives every dead delivery, once the caller has confirmed their number. */
async function redriveAllDead({ receiver, inbox }: CommandStore, options: Options): Promise<ExitCode> {
  const source = options.get('source')
  const confirm = options.get('confirm')
  const selection: DeadSelection = {
    list: { ...(source !== undefined && { scope: source }) },
    error: options.get('error'),
    limit: Number(options.get('limit') ?? Number.POSITIVE_INFINITY),
  }
  if (confirm !== 'all') {
    const count = await countDead(receiver, selection)
    if (confirm !== String(count)) return unconfirmed(count, options)
    selection.limit = count
  }
  const progress = new Progress()
  let [looked, redriven] = [0, 0]
  let error: string | undefined
  for await (const batch of redriveDead(receiver, inbox, selection)) {
    ;({ looked, redriven, error } = batch)
    progress.update(`${redriven} redriven, ${looked} read`)
  }
  progress.end()
  if (options.has('json')) printJson({ redriven, looked, ...(error !== undefined && { error }) })
  else if (error === undefined) print(`${redriven} of ${looked} dead deliveries redriven`)
  else print(`${redriven} redriven, then interrupted: ${error}; run the same command to continue`)
  return error === undefined ? 0 : 1
}

function unconfirmed(count: number, options: Options): ExitCode {
  if (options.has('json')) printJson({ would_redrive: count })
  else print(`${count} would be redriven, none has been: add --confirm ${count}, or --confirm all`)
  return options.has('dry-run') ? 0 : 1
}
