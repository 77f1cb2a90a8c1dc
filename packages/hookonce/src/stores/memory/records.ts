import { ShortLivedMap } from '../../util/short-lived-map.js'
import type { RecordId, StoreStats } from '../store.js'
import { Archive } from './archive.js'
import type { Entry } from './entry.js'

/** A pending record that nobody has taken by then, be it for a backlog or for its delay, becomes bytes. */
const PUT_AWAY_AFTER_MS = 100

/** Some milliseconds' work. */
const MOST_ENTRIES_SAMPLED = 10_000
/** An object with its texts, about. */
const ENTRY_BYTES = 1000

/** Where the store's records are: as objects while they may change, in the archive once they rest. */
export function createRecords() {
  /** What is under way, and what was accepted a moment ago. */
  const entries = new ShortLivedMap<string, Entry>()
  const archive = new Archive()
  let hand = entries.values()

  /** The hand may be on an earlier map. */
  function isHere(entry: Entry): boolean {
    return entries.get(nameOf(entry)) === entry
  }

  function forget(entry: Entry): void {
    if (!entries.delete(nameOf(entry))) archive.remove(entry)
  }

  /** Of a completed or pending record. */
  function putAway(entry: Entry): void {
    entries.delete(nameOf(entry))
    archive.put(entry)
  }

  return {
    forget,
    putAway,

    size: () => entries.size + archive.size,

    /** What a scope keeps: of many, by a sample. */
    usage(scope: string, at: number): Required<StoreStats> {
      const { records, bytes } = archive.usage(scope, at)
      const own = { records: 0, bytes: 0 }
      let looked = 0
      for (const entry of entries.values()) {
        if (looked === MOST_ENTRIES_SAMPLED) break
        looked++
        if (entry.scope !== scope || at >= entry.expiresAt) continue
        own.records++
        own.bytes += ENTRY_BYTES + (entry.result?.length ?? 0) + (entry.delivery?.length ?? 0)
      }
      const scale = entries.size / Math.max(looked, 1)
      return { records: records + Math.round(own.records * scale), bytes: bytes + Math.round(own.bytes * scale) }
    },

    /** Where nothing is, or one that is in the archive. */
    add(entry: Entry): void {
      archive.remove(entry)
      entries.set(nameOf(entry), entry)
    },

    /** What is in the archive is a view: it is not to be changed, and its bytes are to be copied. */
    find(id: RecordId): Entry | undefined {
      return entries.get(nameOf(id)) ?? archive.find(id)
    },

    /** When the record is to be attempted, if it is. */
    dueAt(id: RecordId): number | undefined {
      const entry = entries.get(nameOf(id))
      return entry === undefined ? archive.dueAt(id) : (entry.accepted?.dueAt ?? undefined)
    },

    /** What `find` finds, as an entry that may be changed, and is about to be. */
    takeOut(id: RecordId): Entry | undefined {
      const name = nameOf(id)
      const here = entries.get(name)
      if (here !== undefined) return here
      const entry = archive.take(id)
      if (entry !== undefined) entries.set(name, entry)
      return entry
    },

    /** Each claim adds at most one entry and looks at two, so expired ones never outnumber the rest for long. */
    sweep(at: number): void {
      for (let looked = 0; looked < 2; looked++) {
        archive.sweep(at)
        const step = hand.next()
        if (step.done) hand = entries.values()
        else if (at >= step.value.expiresAt) {
          if (isHere(step.value)) forget(step.value)
        } else if (hasWaited(step.value, at) && isHere(step.value)) putAway(step.value)
      }
    },

    /** All that may be in that state, have not expired and have an ordinal that is wanted; of the archive, views. */
    *unexpired(at: number, state: Entry['state'] | undefined, isWanted: (ordinal: number) => boolean): Iterable<Entry> {
      for (const entry of entries.values()) if (at < entry.expiresAt && isWanted(entry.ordinal)) yield entry
      if (state === undefined || state === 'completed' || state === 'pending') yield* archive.entries(at, isWanted)
    },

    /** Removes at most so many expired records and says how many. */
    purge(limit: number, at: number): number {
      let removed = archive.purge(limit, at)
      for (const entry of entries.values()) {
        if (removed >= limit) break
        if (at < entry.expiresAt) continue
        forget(entry)
        removed++
      }
      return removed
    },
  }
}

/** It will not be taken at once, and no list of a group has it. */
function hasWaited({ state, createdAt, accepted }: Entry, at: number): boolean {
  return state === 'pending' && accepted!.group === null && at - createdAt >= PUT_AWAY_AFTER_MS
}

/** The length keeps apart pairs whose concatenation is the same text. */
function nameOf({ scope, key }: RecordId): string {
  return `${scope.length}:${scope}${key}`
}
