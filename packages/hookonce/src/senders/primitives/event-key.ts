import { InvalidKeyError } from '../../errors.js'
import type { Delivery } from '../../http/delivery.js'
import { checkedKey } from '../../http/idempotency-key.js'
import { MAX_KEY_BYTES } from '../../stores/store.js'
import { exactJsonOf, jsonOf, onlyHeader } from './delivery-values.js'
import { type Content, digestOf } from './signing-keys.js'

type KeyOf = (delivery: Delivery) => string | null

/** The event's id is in a header, which must be signed. @throws {InvalidKeyError} it was sent twice, or is not a key */
export function headerKey(name: string): KeyOf {
  return delivery => {
    const [value, second] = delivery.headerValues(name)
    if (second !== undefined) throw new InvalidKeyError(`The header ${name} was sent more than once.`)
    return value === undefined ? null : checkedKey(value, `header ${name}`)
  }
}

/**
 * The event's id is in a field of the JSON body, e.g. `event.id`: a string, or a number as it is written. An id that is
 * not a valid key is replaced by its digest.
 *
 * @throws {InvalidKeyError} the field is empty, or neither a string nor a number
 */
export function fieldKey(path: string): KeyOf {
  const read = fieldText(path)
  return delivery => {
    const text = read(delivery)
    return text === null ? null : textKey(text)
  }
}

/** A field's text. @throws {InvalidKeyError} it is empty, or neither a string nor a number */
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

/** The value of a field, by the names on the way to it. */
export function valueAt(names: readonly string[], json: unknown): unknown {
  let value = json
  for (const name of names) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

const DIGEST = 'sha256:'

/** The text as a key, or its digest if it is not a valid key or looks like a digest. */
export const textKey = (text: string): string => (isKey(text) && !text.startsWith(DIGEST) ? text : contentKey([text]))

/** The key of several parts. Each is preceded by its length, so that different lists have different keys. */
export function joinedKey(parts: readonly string[]): string {
  const key = parts.map(part => `${Buffer.byteLength(part)}:${part}`).join(',')
  return isKey(key) ? key : contentKey(parts)
}

const isKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text) && text.length <= MAX_KEY_BYTES

/** The key of an event without an id. */
export const contentKey = (content: Content): string => `${DIGEST}${digestOf(content)}`

/**
 * The key is a digest of the body, which must be signed: for senders without an id, or with one that is not signed.
 * `renewed`: fields of the JSON that differ in a retry and are left out.
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
