import { type ListQuery, PAGE_MS, type RecordPage, type RecordSummary } from '../store.js'
import type { RedisClient } from './clients/client.js'
import { logOf, queueTagsOf, recordOf, scopesKeyOf } from './keys.js'
import { scripts } from './lua.generated.js'
import type { Commands } from './script-runner.js'

/** So many records are read at a time for their state, so that what else is asked goes in between. */
export const MOST_READ_AT_ONCE = 64

/** One acceptance in a log: when it was, in microseconds, and the record's name. */
export interface Entry {
  micros: number
  name: string
}

const PLACE = /^(\d{1,16})\.([\w-]+)$/

/** Newest first; within a microsecond, which several servers may share, by name. */
const byAge = (a: Entry, b: Entry) => b.micros - a.micros || (a.name < b.name ? 1 : a.name > b.name ? -1 : 0)

/** One page of accepted records, newest first, over all queues. It may be short; `next` tells whether there are more. */
export async function logPage(
  { isCluster }: RedisClient,
  commands: Commands,
  prefix: string,
  { scope, state, label, since = 0, until: before, limit, after }: ListQuery,
  read: (entry: Entry) => Promise<RecordSummary | undefined>,
): Promise<RecordPage> {
  const tags = queueTagsOf(isCluster)
  const scopes = scope === undefined ? await allScopes() : [scope]
  const logs = tags.flatMap(tag => scopes.map(scope => logOf(prefix, tag, scope)))
  const place = after === undefined ? undefined : placeOf(after, prefix)
  // A little more than its share, for no log is asked again because of a few.
  const batch = Math.ceil(limit / Math.max(logs.length, 1)) + 8
  const merged = merge(logs.map(log => entriesOf(log)))
  const records: RecordSummary[] = []
  const until = performance.now() + PAGE_MS
  let last: Entry | undefined
  let count = limit

  do {
    const entries = await merged(Math.min(count, MOST_READ_AT_ONCE))
    if (entries.length === 0) return { records }
    const summaries = await Promise.all(entries.map(read))
    // Where few of them are wanted, more are looked at together.
    count *= 2
    for (const [i, summary] of summaries.entries()) {
      last = entries[i]!
      if (summary === undefined || (state ?? summary.state) !== summary.state) continue
      if (label !== undefined && label !== summary.label) continue
      records.push(summary)
      if (records.length === limit) break
    }
  } while (records.length < limit && performance.now() < until)
  return { records, next: `${last!.micros}.${Buffer.from(last!.name).toString('base64url')}` }

  async function allScopes(): Promise<string[]> {
    const decode = (reply: unknown) => (reply as Buffer[]).map(String)
    const sets = await Promise.all(
      tags.map(tag => commands.run(scripts.listScopes, scopesKeyOf(prefix, tag), [], decode)),
    )
    return [...new Set(sets.flat())]
  }

  async function* entriesOf(log: string): AsyncGenerator<Entry> {
    let from = place
    const first = before === undefined ? '+' : `${before * 1000 - 1}`
    for (;;) {
      const start = from === undefined ? first : `${from.micros}`
      const found = await commands.run(scripts.listAccepted, log, [start, `${since * 1000}`, `${batch}`], decodeEntries)
      // A page may have ended between two logs of one microsecond.
      yield* found.filter(entry => from === undefined || byAge(from, entry) < 0)
      if (found.length < batch) return
      from = found.at(-1)!
    }
  }
}

/** Takes so many of the newest entries out of all. */
function merge(logs: AsyncGenerator<Entry>[]): (most: number) => Promise<Entry[]> {
  const heads: { entry: Entry; log: AsyncGenerator<Entry> }[] = []
  const advance = async (log: AsyncGenerator<Entry>) => {
    const { value, done } = await log.next()
    if (!done) heads.push({ entry: value, log })
  }
  let began: Promise<unknown> | undefined
  return async most => {
    began ??= Promise.all(logs.map(advance))
    await began
    const taken: Entry[] = []
    while (taken.length < most && heads.length > 0) {
      let newest = 0
      for (let i = 1; i < heads.length; i++) if (byAge(heads[i]!.entry, heads[newest]!.entry) < 0) newest = i
      const { entry, log } = heads.splice(newest, 1)[0]!
      taken.push(entry)
      await advance(log)
    }
    return taken
  }
}

/** See list-accepted.lua. */
function decodeEntries(reply: unknown): Entry[] {
  const entries = reply as [id: unknown, [group: unknown, name: unknown]][]
  return entries.map(([id, [, name]]) => ({ micros: Number.parseInt(String(id), 10), name: String(name) }))
}

/** Where a page ended; `undefined` for what no page made. */
export function placeOf(after: string, prefix: string): Entry | undefined {
  const [, micros, encoded] = PLACE.exec(after) ?? []
  if (encoded === undefined) return undefined
  const name = Buffer.from(encoded, 'base64url').toString()
  return recordOf(prefix, name) && { micros: Number(micros), name }
}
