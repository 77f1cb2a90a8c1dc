import type { Delivery } from '../../http/delivery.js'
import { exactJson } from './exact-json.js'

/** The value of a header, or `undefined` if it is missing or was sent more than once. */
export function onlyHeader(delivery: Delivery, name: string): string | undefined {
  let only: string | undefined
  for (const [header, value] of delivery.headers) {
    if (header !== name) continue
    if (only !== undefined) return undefined
    only = value
  }
  return only
}

/** Unix seconds as ms. `null` for anything but digits: `Number` accepts ` 1e3 `. */
export const unixSeconds = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) * 1000 : null

/** Unix milliseconds; `null` for everything but digits. */
export const unixMillis = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null

/** An RFC 3339 date as ms, or `null` if it is malformed. */
export function rfc3339(text: string | undefined): number | null {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at
}

/**
 * The timestamp and the signatures of a header like `t=1,v1=a,v1=b`. Other names are ignored. With a second timestamp,
 * or a part that is not `name=value`, the timestamp is `undefined`.
 */
export function signatureFields(
  header: string | undefined,
  names: { separator: string; timestamp: string; signature: string },
): { timestamp: string | undefined; signatures: string[] } {
  const fields = (header ?? '').split(names.separator).map(field => field.trim().split('='))
  const valuesOf = (name: string) => fields.flatMap(([each, value]) => (each === name && value ? [value] : []))
  const [timestamp, second] = valuesOf(names.timestamp)
  const wellFormed = second === undefined && fields.every(({ length }) => length === 2)
  return { timestamp: wellFormed ? timestamp : undefined, signatures: valuesOf(names.signature) }
}

/** The parsed body, or `undefined` if it is not JSON. */
// biome-ignore lint/suspicious/noExplicitAny: a sender's JSON has no type until it is checked
export function jsonOf(delivery: Delivery): any {
  try {
    return delivery.json()
  } catch {
    return undefined
  }
}

/** As `jsonOf`, with numbers as their text: long ones keep every digit. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function exactJsonOf(delivery: Delivery): any {
  try {
    return exactJson(delivery.text().replace(/^\ufeff/, ''))
  } catch {
    return undefined
  }
}

/** The fields of a form body. Empty for other bodies. */
export function formOf(delivery: Delivery): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(delivery.header('content-type') ?? '')
  return new URLSearchParams(isForm ? Buffer.from(delivery.body).toString() : '')
}
