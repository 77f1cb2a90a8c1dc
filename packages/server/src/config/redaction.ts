import type { HeaderList } from 'hookonce'

/** Which parts of a source's records operators see. */
export interface Shown {
  bodies: boolean
  /** In lower case. */
  redactedHeaders: ReadonlySet<string>
}

/** The client's credentials. */
const NEVER_SHOWN = ['authorization', 'cookie', 'proxy-authorization']

export const redacting = (...headers: string[]): ReadonlySet<string> =>
  new Set([...NEVER_SHOWN, ...headers.map(header => header.toLowerCase())])

export const ALL_SHOWN: Shown = { bodies: true, redactedHeaders: redacting() }

export const REDACTED = '[redacted]'

export function shownHeaders(headers: HeaderList, { redactedHeaders }: Shown): HeaderList {
  return headers.map(([name, value]) => [name, redactedHeaders.has(name.toLowerCase()) ? REDACTED : value])
}
