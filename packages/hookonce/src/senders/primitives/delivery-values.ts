import type { Delivery } from '../../http/delivery.js'
import { exactJson } from './exact-json.js'

/** The value of a header that is there once; `undefined`: it is missing, or sent twice. */
export function onlyHeader(delivery: Delivery, name: string): string | undefined {
  let only: string | undefined
  for (const [header, value] of delivery.headers) {
    if (header !== name) continue
    if (only !== undefined) return undefined
    only = value
  }
  return only
}

/** Unix seconds as ms; `null` for everything but digits, which lenient parsers take for a number. */
export const unixSeconds = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) * 1000 : null

/** Unix milliseconds; `null` for everything but digits. */
export const unixMillis = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null

/** RFC 3339 with any number of decimals, as ms; `null`: not in that form. */
export function rfc3339(text: string | undefined): number | null {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at
}

/**
 * A header of named values, e.g. `t=1,v1=a,v1=b`: its timestamp and its signatures. Other names are not looked at; a
 * second timestamp, or what is no name and value, makes the header nobody's.
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

/** The body's JSON; `undefined`: it is none. */
// biome-ignore lint/suspicious/noExplicitAny: what a sender sends has no type until somebody looked
export function jsonOf(delivery: Delivery): any {
  try {
    return delivery.json()
  } catch {
    return undefined
  }
}

/** As `jsonOf`, with every number as the text that it is written as: no digit of a long one is lost. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function exactJsonOf(delivery: Delivery): any {
  try {
    return exactJson(delivery.text().replace(/^\ufeff/, ''))
  } catch {
    return undefined
  }
}

/** The fields of a form body, or none. */
export function formOf(delivery: Delivery): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(delivery.header('content-type') ?? '')
  return new URLSearchParams(isForm ? Buffer.from(delivery.body).toString() : '')
}
