import { type ListQuery, PAGE_MS, type RecordPage, type RecordSummary } from '../store.js'
import type { RedisClient } from './clients/client.js'
import { queueTagsOf, recordOf, scopesKeyOf, streamOf } from './keys.js'
import { scripts } from './lua.generated.js'
import type { Commands } from './script-runner.js'

/** Records are read in batches of this size, so that a page does not delay other commands. */
export const READ_BATCH = 64

/** One entry of an acceptance stream: the microsecond of the acceptance, and the record's name. */
export interface Entry {
  micros: number
  name: string
}

const CURSOR = /^(\d{1,16})\.([\w-]+)$/

/** Newest first; entries of one microsecond, which two servers may both have, by name. */
const byAge = (a: Entry, b: Entry) => b.micros - a.micros || (a.name < b.name ? 1 : a.name > b.name ? -1 : 0)

/** One page of accepted records, newest first, of all queues. It may be short: only a page without `next` is the last. */
export async function listAccepted(
  { isCluster }: RedisClient,
  commands: Commands,
  prefix: string,
  { scope, state, label, since = 0, until: before, limit, after }: ListQuery,
  read: (entry: Entry) => Promise<RecordSummary | undefined>,
): Promise<RecordPage> {
  const tags = queueTagsOf(isCluster)
  const scopes = scope === undefined ? await allScopes() : [scope]
  const streams = tags.flatMap(tag => scopes.map(scope => streamOf(prefix, tag, scope)))
  const cursor = after === undefined ? undefined : parseCursor(after, prefix)
  // A stream's share and a few more, because shares are uneven and a second command costs more than a few entries.
  const batch = Math.ceil(limit / Math.max(streams.length, 1)) + 8
  const nextEntries = merge(streams.map(entriesOf))
  const records: RecordSummary[] = []
  const until = performance.now() + PAGE_MS
  let last: Entry | undefined
  let count = limit

  do {
    const entries = await nextEntries(Math.min(count, READ_BATCH))
    if (entries.length === 0) return { records }
    const summaries = await Promise.all(entries.map(read))
    // The first batch has the page's size. Where few records match, later ones are larger.
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

  async function* entriesOf(stream: string): AsyncGenerator<Entry> {
    let from = cursor
    const first = before === undefined ? '+' : `${before * 1000 - 1}`
    for (;;) {
      const start = from === undefined ? first : `${from.micros}`
      const found = await commands.run(
        scripts.listAccepted,
        stream,
        [start, `${since * 1000}`, `${batch}`],
        decodeEntries,
      )
      // The page before may have ended between two entries of one microsecond.
      yield* found.filter(entry => from === undefined || byAge(from, entry) < 0)
      if (found.length < batch) return
      from = found.at(-1)!
    }
  }
}

/** Merges streams: each call returns up to `most` further entries, newest first. */
function merge(streams: AsyncGenerator<Entry>[]): (most: number) => Promise<Entry[]> {
  const heads: { entry: Entry; stream: AsyncGenerator<Entry> }[] = []
  const advance = async (stream: AsyncGenerator<Entry>) => {
    const { value, done } = await stream.next()
    if (!done) heads.push({ entry: value, stream })
  }
  let started: Promise<unknown> | undefined
  return async most => {
    started ??= Promise.all(streams.map(advance))
    await started
    const taken: Entry[] = []
    while (taken.length < most && heads.length > 0) {
      let newest = 0
      for (let i = 1; i < heads.length; i++) if (byAge(heads[i]!.entry, heads[newest]!.entry) < 0) newest = i
      const { entry, stream } = heads.splice(newest, 1)[0]!
      taken.push(entry)
      await advance(stream)
    }
    return taken
  }
}

/** See list-accepted.lua. */
function decodeEntries(reply: unknown): Entry[] {
  const entries = reply as [id: unknown, [group: unknown, name: unknown]][]
  return entries.map(([id, [, name]]) => ({ micros: Number.parseInt(String(id), 10), name: String(name) }))
}

/** The last entry of the page before; `undefined` for a text that is no cursor. */
export function parseCursor(after: string, prefix: string): Entry | undefined {
  const [, micros, encoded] = CURSOR.exec(after) ?? []
  if (encoded === undefined) return undefined
  const name = Buffer.from(encoded, 'base64url').toString()
  return recordOf(prefix, name) && { micros: Number(micros), name }
}
