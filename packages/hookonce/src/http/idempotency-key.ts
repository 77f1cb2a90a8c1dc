import { InvalidKeyError } from '../errors.js'
import { MAX_KEY_BYTES } from '../stores/store.js'
import type { Delivery } from './delivery.js'

/** The key's headers for a source without a sender. If a delivery has several, they must agree. */
const KEY_HEADERS = new Set(['x-idempotency-key', 'idempotency-key', 'webhook-id'])

/**
 * The delivery's idempotency key, or `null` if it has none.
 * `"abc"` (a Structured Field string, draft-ietf-httpapi-idempotency-key-header-07 §2.1) and `abc` name the same key.
 *
 * @throws {InvalidKeyError} the key is empty, over 255 bytes, not visible ASCII, sent twice, or two headers disagree
 */
export function keyOf(delivery: Delivery): string | null {
  let key: string | null = null
  const seen: string[] = []
  for (const [name, value] of delivery.headers) {
    if (!KEY_HEADERS.has(name)) continue
    if (seen.includes(name)) throw new InvalidKeyError(`The header ${name} was sent more than once.`)
    seen.push(name)
    const found = parseKey(value, name)
    if (key !== null && key !== found) throw new InvalidKeyError('Two idempotency key headers disagree.')
    key = found
  }
  return key
}

function parseKey(value: string, header: string): string {
  const trimmed = value.trim()
  return checkedKey(trimmed.startsWith('"') ? unquote(trimmed, header) : trimmed, `header ${header}`)
}

/** @throws {InvalidKeyError} the key is empty, over 255 bytes, or not visible ASCII. `where`: for the message */
export function checkedKey(key: string, where: string): string {
  if (key.length === 0) throw new InvalidKeyError(`The ${where} is empty.`)
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new InvalidKeyError(`The ${where} may hold visible ASCII characters only, without spaces.`)
  }
  if (key.length > MAX_KEY_BYTES) {
    throw new InvalidKeyError(`The ${where} is ${key.length} bytes long; ${MAX_KEY_BYTES} are allowed.`)
  }
  return key
}

/** RFC 9651 §4.2.5: a string ends at the first unescaped quote, and only `"` and `\` may be escaped. */
function unquote(value: string, header: string): string {
  const match = /^"((?:[^"\\]|\\["\\])*)"$/.exec(value)
  if (match === null) throw new InvalidKeyError(`The header ${header} is not a well-formed quoted string.`)
  return match[1]!.replace(/\\(["\\])/g, '$1')
}
