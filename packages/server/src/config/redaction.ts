import type { HeaderList } from 'hookonce'

/** What of a source's records operators are shown. */
export interface Shown {
  bodies: boolean
  /** In lower case. */
  redactedHeaders: ReadonlySet<string>
}

/** Secrets of whoever delivers, wherever they stand. */
const NEVER_SHOWN = ['authorization', 'cookie', 'proxy-authorization']

export const redacting = (...headers: string[]): ReadonlySet<string> =>
  new Set([...NEVER_SHOWN, ...headers.map(header => header.toLowerCase())])

export const ALL_SHOWN: Shown = { bodies: true, redactedHeaders: redacting() }

export const REDACTED = '[redacted]'

export function shownHeaders(headers: HeaderList, { redactedHeaders }: Shown): HeaderList {
  return headers.map(([name, value]) => [name, redactedHeaders.has(name.toLowerCase()) ? REDACTED : value])
}
