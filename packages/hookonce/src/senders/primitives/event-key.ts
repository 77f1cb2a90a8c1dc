import type { Delivery } from '../../delivery.js'
import { InvalidKeyError } from '../../errors.js'
import { checkedKey } from '../../key.js'
import { MAX_KEY_BYTES } from '../../store.js'
import { jsonOf } from './reading.js'
import { type Content, digestOf } from './signing-keys.js'

type KeyOf = (delivery: Delivery) => string | null

/** The event's name stands in a header. @throws {InvalidKeyError} twice, or not a key */
export function headerKey(name: string): KeyOf {
  return delivery => {
    const [value, second] = delivery.headerValues(name)
    if (second !== undefined) throw new InvalidKeyError(`The header ${name} was sent more than once.`)
    return value === undefined ? null : checkedKey(value, `header ${name}`)
  }
}

/** The event's name stands in a field of the JSON body, e.g. `event.id`: text or a whole number. @throws {InvalidKeyError} */
export function fieldKey(path: string): KeyOf {
  const names = path.split('.')
  return delivery => {
    let value = jsonOf(delivery)
    for (const name of names) {
      value = typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined
    }
    if (value === undefined || value === null) return null
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) {
      throw new InvalidKeyError(`The field ${path} is neither text nor a whole number.`)
    }
    return checkedKey(String(value), `field ${path}`)
  }
}

/** Several parts name an event together: each with its length in front, so that no two lists of parts are one key. */
export function joinedKey(parts: readonly string[]): string {
  const key = parts.map(part => `${Buffer.byteLength(part)}:${part}`).join(',')
  return /^[\x21-\x7e]+$/.test(key) && key.length <= MAX_KEY_BYTES ? key : contentKey(parts)
}

/** For events that nothing names but what they are. */
export const contentKey = (content: Content): string => `sha256:${digestOf(content)}`
