import { isUtf8 } from 'node:buffer'
import { isReserved } from './header-names.js'

/** Header names in lower case with their values, in the order received. A name may occur more than once. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

export interface DeliveryInit {
  method: string
  /** Path and query as received, e.g. `/webhook?x=1`. */
  url: string
  /** Pairs, or a flat list of names and values, as `rawHeaders` of `node:http`. */
  headers: Iterable<readonly [name: string, value: string]> | readonly string[]
  /** The raw bytes, never re-serialised. */
  body: Uint8Array
  /** The request's id in events and logs. Default: `X-Request-Id`, if it is 1 to 128 visible ASCII characters. */
  requestId?: string | null
}

/** A delivery without its body. */
export type DeliveryHead = Omit<DeliveryInit, 'body'>

/** A sender chooses the id, and logs contain it. */
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/

const BYTE_ORDER_MARK = 0xfeff

/** A received HTTP request, as plain values. */
export class Delivery {
  readonly method: string
  readonly url: string
  readonly headers: HeaderList
  readonly body: Uint8Array
  /** The request's id in events and logs, or `null`. It is not authenticated. */
  readonly requestId: string | null
  readonly #headerFields: number

  constructor(init: DeliveryInit) {
    this.method = init.method
    this.url = init.url
    this.body = init.body
    const headers: [string, string][] = []
    let fields = 0
    if (isRaw(init.headers)) {
      fields = init.headers.length / 2
      for (let at = 0; at + 1 < init.headers.length; at += 2) add(headers, init.headers[at]!, init.headers[at + 1]!)
    } else {
      for (const [name, value] of init.headers) {
        fields++
        add(headers, name, value)
      }
    }
    this.headers = headers
    this.#headerFields = fields
    this.requestId = init.requestId === undefined ? requestIdOf(this.headerValues('x-request-id')) : init.requestId
  }

  /** The number of header fields received, dropped ones included. */
  get headerFields(): number {
    return this.#headerFields
  }

  /** The path without its query. */
  get path(): string {
    const query = this.url.indexOf('?')
    return query === -1 ? this.url : this.url.slice(0, query)
  }

  /** Every value of a header, in the order received. `name` in lower case. */
  headerValues(name: string): string[] {
    const values: string[] = []
    for (const [header, value] of this.headers) if (header === name) values.push(value)
    return values
  }

  /** The header's first value. `name` in lower case. */
  header(name: string): string | undefined {
    return this.headers.find(([header]) => header === name)?.[1]
  }

  /** The body as a string. @throws {TypeError} the body is not UTF-8 */
  text(): string {
    const { buffer, byteOffset, byteLength } = this.body
    const bytes = Buffer.from(buffer, byteOffset, byteLength)
    if (!isUtf8(bytes)) throw new TypeError('the body is not UTF-8')
    return bytes.toString()
  }

  /**
   * The parsed body. A byte order mark is ignored (RFC 8259 §8.1).
   *
   * @throws {SyntaxError} the body is not JSON
   * @throws {TypeError} the body is not UTF-8
   */
  // biome-ignore lint/suspicious/noExplicitAny: what a sender sends has no type until the handler checks it
  json(): any {
    const text = this.text()
    return JSON.parse(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text)
  }
}

/** Whether headers are a flat list. */
export const isRaw = (headers: DeliveryInit['headers']): headers is readonly string[] =>
  Array.isArray(headers) && typeof headers[0] === 'string'

function add(headers: [string, string][], name: string, value: string): void {
  const lower = name.toLowerCase()
  if (!isReserved(lower)) headers.push([lower, value])
}

/** The id of an `X-Request-Id`, or `null` if it is missing, sent more than once, or invalid. */
export function requestIdOf(values: readonly string[]): string | null {
  const [id, second] = values
  return id !== undefined && second === undefined && REQUEST_ID.test(id) ? id : null
}
