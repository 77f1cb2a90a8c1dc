import type { HeaderList } from 'hookonce'

/** What of a source's records operators are shown. */
export interface Shown {
  bodies: boolean
  /** In lower case. */
  redactedHeaders: ReadonlySet<string>
}

export const ALL_SHOWN: Shown = { bodies: true, redactedHeaders: new Set() }

export const REDACTED = '[redacted]'

export function shownHeaders(headers: HeaderList, { redactedHeaders }: Shown): HeaderList {
  if (redactedHeaders.size === 0) return headers
  return headers.map(([name, value]) => [name, redactedHeaders.has(name.toLowerCase()) ? REDACTED : value])
}
