import type { Delivery } from '../../http/delivery.js'
import { jsonOf, onlyHeader } from './delivery-values.js'
import { valueAt } from './event-key.js'

type TypeOf = (delivery: Delivery) => string | null

/** The event's type is in a header. */
export const headerType =
  (name: string): TypeOf =>
  delivery =>
    onlyHeader(delivery, name) ?? null

/** The event's type is in a field of the JSON body, e.g. `event.type`: the first of these that is text. */
export function fieldType(...paths: readonly string[]): TypeOf {
  const fields = paths.map(path => path.split('.'))
  return delivery => {
    const json = jsonOf(delivery)
    for (const field of fields) {
      const value = valueAt(field, json)
      if (typeof value === 'string' && value !== '') return value
    }
    return null
  }
}
