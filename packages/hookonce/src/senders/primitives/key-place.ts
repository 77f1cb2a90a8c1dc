import type { Delivery } from '../../http/delivery.js'
import { keyOf } from '../../http/idempotency-key.js'
import type { OutgoingEvent } from '../sender.js'
import { fieldKey, fieldText, headerKey } from './event-key.js'

/** Where the event's id is: a header, or a field of the JSON body, e.g. `event.id`. */
export type KeyPlace = { header: string } | { field: string }

/** Reads and writes the event's id. Default: the headers of a source without a sender. */
export function keyPlace(place: KeyPlace | undefined) {
  const header = place === undefined ? 'idempotency-key' : 'header' in place ? place.header.toLowerCase() : undefined
  const key = place === undefined ? keyOf : 'header' in place ? headerKey(header!) : fieldKey(place.field)
  const name = place !== undefined && 'field' in place ? fieldText(place.field) : key
  return {
    key,
    /** The id for people, or `null` if it is missing or invalid. */
    label(delivery: Delivery): string | null {
      try {
        return name(delivery)
      } catch {
        return null
      }
    },
    /** In lower case, or `undefined` if the id is in the body. */
    header,
    write: ({ id }: OutgoingEvent): [string, string][] => (header === undefined ? [] : [[header, id]]),
  }
}
