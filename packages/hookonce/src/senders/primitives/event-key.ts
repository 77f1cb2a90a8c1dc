import { InvalidKeyError } from '../../errors.js'
import type { Delivery } from '../../http/delivery.js'
import { checkedKey } from '../../http/idempotency-key.js'
import { MAX_KEY_BYTES } from '../../stores/store.js'
import { exactJsonOf, jsonOf, onlyHeader } from './delivery-values.js'
import { type Content, digestOf } from './signing-keys.js'

type KeyOf = (delivery: Delivery) => string | null

/** The event's name stands in a header, which must be signed. @throws {InvalidKeyError} twice, or not a key */
export function headerKey(name: string): KeyOf {
  return delivery => {
    const [value, second] = delivery.headerValues(name)
    if (second !== undefined) throw new InvalidKeyError(`The header ${name} was sent more than once.`)
    return value === undefined ? null : checkedKey(value, `header ${name}`)
  }
}

/**
 * The event's name stands in a field of the JSON body, e.g. `event.id`: any text, or a number as it is written there.
 * What is not in the form of a key is named by its digest.
 *
 * @throws {InvalidKeyError} empty, or neither text nor a number
 */
export function fieldKey(path: string): KeyOf {
  const read = fieldText(path)
  return delivery => {
    const text = read(delivery)
    return text === null ? null : textKey(text)
  }
}

/** What stands in a field. @throws {InvalidKeyError} empty, or neither text nor a number */
export function fieldText(path: string): KeyOf {
  const names = path.split('.')
  return delivery => {
    const value = valueAt(names, jsonOf(delivery))
    if (value === undefined || value === null) return null
    const text = typeof value === 'number' ? valueAt(names, exactJsonOf(delivery)) : value
    if (typeof text !== 'string') throw new InvalidKeyError(`The field ${path} is neither text nor a number.`)
    if (text === '') throw new InvalidKeyError(`The field ${path} is empty.`)
    return text
  }
}

function valueAt(names: readonly string[], json: unknown): unknown {
  let value = json
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

const DIGEST = 'sha256:'

/** A text names an event; by its digest where it is not in the form of a key, or could be taken for a digest. */
export const textKey = (text: string): string => (isKey(text) && !text.startsWith(DIGEST) ? text : contentKey([text]))

/** Several parts name an event together: each with its length in front, so that no two lists of parts are one key. */
export function joinedKey(parts: readonly string[]): string {
  const key = parts.map(part => `${Buffer.byteLength(part)}:${part}`).join(',')
  return isKey(key) ? key : contentKey(parts)
}

const isKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text) && text.length <= MAX_KEY_BYTES

/** For events that nothing names but what they are. */
export const contentKey = (content: Content): string => `${DIGEST}${digestOf(content)}`

/**
 * The body, which must be signed, is the event's name: for senders that name events in headers that they do not sign, or
 * not at all. `renewed`: fields of its JSON that a retry has anew, which do not count.
 */
export function bodyKey(...renewed: readonly string[]): (delivery: Delivery) => string {
  if (renewed.length === 0) return delivery => contentKey([delivery.body])
  return delivery => {
    const json = exactJsonOf(delivery)
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return contentKey([delivery.body])
    const kept = Object.entries(json).filter(([field]) => !renewed.includes(field))
    return contentKey([JSON.stringify(Object.fromEntries(kept))])
  }
}

/** A header that is not signed, as a label. */
export const headerLabel =
  (name: string): KeyOf =>
  delivery =>
    onlyHeader(delivery, name) ?? null
