import type { Delivery } from '../../http/delivery.js'
import { keyOf } from '../../http/idempotency-key.js'
import type { OutgoingEvent } from '../sender.js'
import { fieldKey, fieldText, headerKey } from './event-key.js'

/** Where a sender of your own has its name for an event: a header, or a field of the JSON body, e.g. `event.id`. */
export type KeyPlace = { header: string } | { field: string }

/** What there is to know of a place; without one keys are where a source without a sender looks for them. */
export function keyPlace(place: KeyPlace | undefined) {
  const header = place === undefined ? 'idempotency-key' : 'header' in place ? place.header.toLowerCase() : undefined
  const key = place === undefined ? keyOf : 'header' in place ? headerKey(header!) : fieldKey(place.field)
  const name = place !== undefined && 'field' in place ? fieldText(place.field) : key
  return {
    key,
    /** What stands there, for people; `null` also where no key can be read. */
    label(delivery: Delivery): string | null {
      try {
        return name(delivery)
      } catch {
        return null
      }
    },
    /** In lower case; `undefined`: it is in the body. */
    header,
    write: ({ id }: OutgoingEvent): [string, string][] => (header === undefined ? [] : [[header, id]]),
  }
}
