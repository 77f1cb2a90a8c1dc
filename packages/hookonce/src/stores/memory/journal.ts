import { type Clock, systemClock } from '../../util/clock.js'
import { checkOptions, methods } from '../../util/options.js'
import { type Journal, type JournalEntry, lastOfEach } from '../journal.js'

export interface MemoryJournalOptions {
  /** Default: the system's. */
  clock?: Clock
}

interface KeptEntry extends JournalEntry {
  expiresAt: number
}

const RULES = { clock: methods('a clock', ['now', 'monotonic', 'after']) }

/**
 * A journal in this process's memory, for a store without one.
 *
 * @example
 * const store = { ...memoryStore(), journal: memoryJournal() }
 */
export function memoryJournal(options: MemoryJournalOptions = {}): Journal {
  checkOptions('memoryJournal', options, RULES)
  const { clock = systemClock } = options
  const lists = new Map<string, Map<string, KeptEntry>>()
  let sweep = lists.entries()

  /** The unexpired entries of a list, newest first. */
  function entriesOf(list: string): KeptEntry[] {
    const now = clock.now()
    return [...(lists.get(list)?.values() ?? [])].filter(({ expiresAt }) => now < expiresAt).sort(newestFirst)
  }

  /** Looks at the next lists: at twice as many as may be new, so that expired ones never pile up. */
  function removeExpired(newLists: number): void {
    const now = clock.now()
    for (let looked = 0; looked < 2 * newLists; looked++) {
      const { value } = sweep.next()
      if (value === undefined) {
        sweep = lists.entries()
        return
      }
      const [list, entries] = value
      for (const { id, expiresAt } of entries.values()) if (now >= expiresAt) entries.delete(id)
      if (entries.size === 0) lists.delete(list)
    }
  }

  return {
    async write(entries) {
      removeExpired(entries.length)
      const now = Math.floor(clock.now())
      for (const { list, id, at = now, value, keepMs } of lastOfEach(entries)) {
        const kept = lists.get(list) ?? new Map<string, KeptEntry>()
        lists.set(list, kept.set(id, { id, at, value: new Uint8Array(value), expiresAt: now + keepMs }))
      }
    },

    async read(list, { since = 0, until = Number.POSITIVE_INFINITY, after, limit }) {
      return entriesOf(list)
        .filter(
          entry => entry.at >= since && entry.at < until && (after === undefined || newestFirst(after, entry) < 0),
        )
        .slice(0, limit)
        .map(copyOf)
    },

    async find(list, id) {
      const entry = lists.get(list)?.get(id)
      return entry === undefined || clock.now() >= entry.expiresAt ? undefined : copyOf(entry)
    },

    async remove(list, id) {
      const isKept = (await this.find(list, id)) !== undefined
      lists.get(list)?.delete(id)
      return isKept
    },

    async trim(list, most) {
      const surplus = entriesOf(list).slice(most)
      for (const { id } of surplus) lists.get(list)!.delete(id)
      return surplus.length
    },
  }
}

type Position = Pick<JournalEntry, 'id' | 'at'>

function newestFirst(a: Position, b: Position): number {
  return b.at - a.at || Buffer.compare(Buffer.from(b.id), Buffer.from(a.id))
}

const copyOf = ({ id, at, value }: KeptEntry): JournalEntry => ({ id, at, value: new Uint8Array(value) })
