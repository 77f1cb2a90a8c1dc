import { MAX_ERROR_LENGTH } from '../stores/store.js'
import type { Delivery } from './delivery.js'
import type { HandlerResponse } from './response.js'

/** So much of an answer says what is wrong with it. */
const EXCERPT_BYTES = 200

/** Secrets are taken out of so much before it is cut, so that none is cut in two. */
const SEARCHED_BYTES = 8_192

/** Headers of a delivery whose values an application may quote in its answer. */
const SECRET_NAME = /authorization|cookie|token|secret|password|api-?key/

const LEAST_SECRET_LENGTH = 6

/**
 * Why a response was not recorded, on one line: what its handler says, or its status and how its body begins. Where no
 * bodies are recorded none is quoted (`maxBytes`), nor the secrets that the delivery bore.
 */
export function failureReason(response: HandlerResponse, delivery: Delivery, maxBytes: number): string {
  const { status, headers, body, reason } = response
  if (reason !== undefined) return oneLine(reason)
  const encoding = headers.find(([name]) => name === 'content-encoding')?.[1]
  const most = Math.min(EXCERPT_BYTES, maxBytes)
  if (body.length === 0 || most === 0) return `status ${status}`
  if (encoding !== undefined && encoding !== 'identity') return oneLine(`status ${status} (body: ${encoding})`)
  let text = beginning(body, SEARCHED_BYTES)
  for (const secret of secretsOf(delivery)) text = text.replaceAll(secret, '[redacted]')
  return oneLine(`status ${status}: ${beginning(Buffer.from(text), most).trim()}`)
}

/** Without what is left of a character that was cut in two. */
const beginning = (bytes: Uint8Array, most: number): string =>
  new TextDecoder().decode(bytes.subarray(0, most), { stream: bytes.length > most })

function secretsOf({ headers }: Delivery): string[] {
  const secrets: string[] = []
  for (const [name, value] of headers) {
    if (!SECRET_NAME.test(name)) continue
    // A scheme or a cookie's name is none: `Bearer abc`, `session=abc; theme=dark`.
    secrets.push(value, ...value.split(/[ ;,=]+/))
  }
  return secrets.filter(({ length }) => length >= LEAST_SECRET_LENGTH).sort((a, b) => b.length - a.length)
}

const NOT_SHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

const SHORT_ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** What would move a terminal's cursor, or begin a line of a log, is escaped. */
function oneLine(text: string): string {
  const shown = text
    .slice(0, MAX_ERROR_LENGTH)
    .replace(NOT_SHOWN, found => SHORT_ESCAPES[found] ?? `\\u{${found.codePointAt(0)!.toString(16)}}`)
  return shown.slice(0, MAX_ERROR_LENGTH)
}
