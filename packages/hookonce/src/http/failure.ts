import { type Failure, MAX_ERROR_LENGTH } from '../stores/store.js'
import type { Delivery } from './delivery.js'
import type { HandlerResponse } from './response.js'

const EXCERPT_BYTES = 200

/** Secrets are redacted in a longer part than the excerpt, so that none is cut in two. */
const SEARCHED_BYTES = 8_192

/** Headers with secrets, which an application may quote in its answer. */
const SECRET_NAME = /authorization|cookie|token|secret|password|api-?key/

const MIN_SECRET_LENGTH = 6

/** What an attempt failed at that came to a response which is not recorded. */
export const responseFailure = (response: HandlerResponse, delivery: Delivery, maxBytes: number): Failure => ({
  error: errorOf(response, delivery, maxBytes),
  outcome: response.status,
})

/**
 * Why a response was not recorded, on one line: the handler's reason, or the status and the beginning of the body,
 * without the delivery's secrets. At most `maxBytes` of the body are quoted.
 */
function errorOf(response: HandlerResponse, delivery: Delivery, maxBytes: number): string {
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

/** Without an incomplete character at the end. */
const beginning = (bytes: Uint8Array, most: number): string =>
  new TextDecoder().decode(bytes.subarray(0, most), { stream: bytes.length > most })

function secretsOf({ headers }: Delivery): string[] {
  const secrets: string[] = []
  for (const [name, value] of headers) {
    if (!SECRET_NAME.test(name)) continue
    // The parts too, without scheme or cookie name: `Bearer abc`, `session=abc; theme=dark`.
    secrets.push(value, ...value.split(/[ ;,=]+/))
  }
  return secrets.filter(({ length }) => length >= MIN_SECRET_LENGTH).sort((a, b) => b.length - a.length)
}

const NOT_SHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

const SHORT_ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Escapes what moves a terminal's cursor or begins a line of a log. */
function oneLine(text: string): string {
  const shown = text
    .slice(0, MAX_ERROR_LENGTH)
    .replace(NOT_SHOWN, found => SHORT_ESCAPES[found] ?? `\\u{${found.codePointAt(0)!.toString(16)}}`)
  return shown.slice(0, MAX_ERROR_LENGTH)
}
