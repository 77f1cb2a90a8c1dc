import { type Journal, type JournalEntry, lastOfEach } from '../journal.js'
import { joined } from './byte-arrays.js'
import type { Row } from './connections.js'
import type { Repeatable } from './retry.js'
import type { Statements } from './statements.js'

/** The most expired entries that one write removes: a few milliseconds' work. */
const MOST_REMOVED = 500
const LATEST = Number.MAX_SAFE_INTEGER

/** Runs one statement with its own time limit and retries. */
type RunStatement = (repeatable: Repeatable, name: keyof Statements, values: readonly unknown[]) => Promise<Row[]>

export function createJournal(run: RunStatement): Journal {
  return {
    async write(entries) {
      const last = lastOfEach(entries)
      const values = joined(last.map(({ value }) => value))
      await run('always', 'writeEntries', [
        last.map(({ list }) => list),
        last.map(({ id }) => id),
        last.map(({ at = null }) => at),
        last.map(({ keepMs }) => keepMs),
        values.starts,
        values.lengths,
        values.bytes,
        MOST_REMOVED,
      ])
    },

    async read(list, { since = 0, until = LATEST, after, limit }) {
      // No id is less than the empty one, so that this position is before all entries of its time.
      const { at, id } = after !== undefined && after.at < until ? after : { at: until, id: '' }
      const rows = await run('always', 'readEntries', [list, since, at, id, limit])
      return rows.map(entryOf)
    },

    async find(list, id) {
      const [row] = await run('always', 'findEntry', [list, id])
      return row && entryOf(row)
    },

    async remove(list, id) {
      const [row] = await run('always', 'removeEntry', [list, id])
      return row?.[0] === true
    },

    async trim(list, most) {
      const [row] = await run('always', 'trimEntries', [list, most])
      return Number(row![0])
    },
  }
}

const entryOf = ([id, at, value]: Row): JournalEntry => ({ id, at: Number(at), value })
