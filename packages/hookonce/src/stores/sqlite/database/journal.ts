import { type Journal, type JournalEntry, lastOfEach } from '../../journal.js'
import type { Payloads } from '../messages.js'
import { sql } from '../sql.generated.js'
import type { Database } from './driver.js'

/** The most expired entries that one write removes: about a millisecond's work. */
const MOST_REMOVED = 200

/** The operations of {@link Journal} on one connection, as its worker is asked for them. */
export function createJournal(db: Database) {
  const statement = {
    writeEntry: db.prepare(sql.writeEntry),
    removeExpiredEntries: db.prepare(sql.removeExpiredEntries),
    readEntries: db.prepare(sql.readEntries),
    findEntry: db.prepare(sql.findEntry),
    removeEntry: db.prepare(sql.removeEntry),
    trimEntries: db.prepare(sql.trimEntries),
  }

  return {
    writeEntries({ entries }: Payloads['writeEntries'], now: number): null {
      statement.removeExpiredEntries.run(now, MOST_REMOVED)
      for (const { list, id, at = now, value, keepMs } of lastOfEach(entries)) {
        statement.writeEntry.run(list, id, at, now + keepMs, value)
      }
      return null
    },

    readEntries({ list, since, until, after, limit }: Payloads['readEntries'], now: number): JournalEntry[] {
      // No id is less than the empty one, so that this position is before all entries of its time.
      const { at, id } = after !== undefined && after.at < until ? after : { at: until, id: '' }
      return statement.readEntries.all(list, now, since, at, id, limit) as JournalEntry[]
    },

    findEntry({ list, id }: Payloads['findEntry'], now: number): JournalEntry | null {
      return (statement.findEntry.get(list, id, now) as JournalEntry | undefined) ?? null
    },

    removeEntry({ list, id }: Payloads['removeEntry'], now: number): boolean {
      return Number(statement.removeEntry.run(list, id, now).changes) > 0
    },

    trimEntries({ list, most }: Payloads['trimEntries'], now: number): number {
      return Number(statement.trimEntries.run(list, list, now, most).changes)
    },
  } satisfies Record<string, (payload: never, now: number) => Awaited<ReturnType<Journal[keyof Journal]>> | null>
}
