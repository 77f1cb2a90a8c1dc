import type { Journal, JournalEntry, NewEntry } from '../journal.js'
import { lastOfEach } from '../journal.js'
import type { Argument } from './clients/client.js'
import { journalKeysOf } from './keys.js'
import { scripts } from './lua.generated.js'
import { bytesOf } from './record-codec.js'
import type { Commands } from './script-runner.js'

/*
 * A list is two keys. Its order is a sorted set of positions, all of score 0: the entry's time with 16 digits, and its id. Its
 * entries are a hash by id: the time with 16 digits, the expiry as a double, and the value.
 */

const TIME_DIGITS = 16
const VALUE_AT = TIME_DIGITS + 8
const LATEST = 10 ** TIME_DIGITS - 1

/** As many as one script removes. */
const MOST_TRIMMED = 1000

export function createJournal({ run }: Commands, prefix: string): Journal {
  return {
    async write(entries) {
      const byList = new Map<string, NewEntry[]>()
      for (const entry of lastOfEach(entries)) {
        const { list } = entry
        byList.set(list, [...(byList.get(list) ?? []), entry])
      }
      await Promise.all(
        [...byList].map(([list, [...ofList]]) => {
          const args: Argument[] = ofList.flatMap(({ id, at, value }) => [
            id,
            at === undefined ? '' : digits(at),
            bytesOf(value),
          ])
          return run(scripts.writeEntries, journalKeysOf(prefix, list), [`${ofList[0]!.keepMs}`, ...args], () => {})
        }),
      )
    },

    read(list, { since = 0, until = LATEST, after, limit }) {
      const first = after !== undefined && after.at < until ? `(${digits(after.at)}${after.id}` : `(${digits(until)}`
      return run(scripts.readEntries, journalKeysOf(prefix, list), [first, `[${digits(since)}`, `${limit}`], entriesOf)
    },

    find(list, id) {
      return run(scripts.findEntry, journalKeysOf(prefix, list), [id], reply => entriesOf(reply)[0])
    },

    remove(list, id) {
      return run(scripts.removeEntry, journalKeysOf(prefix, list), [id], removed => removed === 1)
    },

    async trim(list, most) {
      let total = 0
      for (;;) {
        const removed = await run(scripts.trimEntries, journalKeysOf(prefix, list), [`${most}`], Number)
        total += removed
        if (removed < MOST_TRIMMED) return total
      }
    },
  }
}

const digits = (time: number): string => String(Math.ceil(time)).padStart(TIME_DIGITS, '0')

function entriesOf(reply: unknown): JournalEntry[] {
  const parts = reply as Buffer[]
  return Array.from({ length: parts.length / 2 }, (_, i) => {
    const value = parts[2 * i + 1]!
    return {
      id: parts[2 * i]!.toString(),
      at: Number(value.toString('latin1', 0, TIME_DIGITS)),
      value: value.subarray(VALUE_AT),
    }
  })
}
