import type { Journal } from '../../journal.js'
import type { Operation, OutcomeOf, Payloads } from '../messages.js'

type Call = <Name extends Operation>(operation: Name, payload: Payloads[Name]) => Promise<OutcomeOf<Name>>

/** The journal of a store, whose database is asked by `call`. */
export function journalOver(call: Call): Journal {
  return {
    async write(entries) {
      // A copy of the value, because posting a view posts all of its buffer.
      const posted = entries.map(({ list, id, at, value, keepMs }) => ({
        list,
        id,
        at,
        value: new Uint8Array(value),
        keepMs,
      }))
      await call('writeEntries', { entries: posted })
    },

    read(list, { since = 0, until = Number.MAX_SAFE_INTEGER, after, limit }) {
      return call('readEntries', { list, since, until, limit, ...(after && { after: { at: after.at, id: after.id } }) })
    },

    async find(list, id) {
      return (await call('findEntry', { list, id })) ?? undefined
    },

    remove: (list, id) => call('removeEntry', { list, id }),

    trim: (list, most) => call('trimEntries', { list, most }),
  }
}
