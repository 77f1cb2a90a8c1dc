import { setImmediate } from 'node:timers/promises'
import type { Deliveries, ListedDelivery } from './deliveries.js'

export interface Search {
  sources: readonly string[]
  since?: number | undefined
  until?: number | undefined
  /** Part of a body, as UTF-8. */
  contains: string
}

export interface SearchProgress {
  /** How many deliveries were looked at up to now. */
  looked: number
  /** Found since the last line, newest first within a source. */
  found: ListedDelivery[]
  done: boolean
  /** Why it was interrupted; then this is the last line. */
  error?: string
}

const PAGE = 50
/** Bodies that are read at once. */
const READ_AT_ONCE = 8

/** Reads the bodies that the sources keep, source by source, and yields what it found after each page. */
export async function* search(
  deliveries: Deliveries,
  { sources, contains, ...range }: Search,
): AsyncGenerator<SearchProgress> {
  let looked = 0
  try {
    for (const source of sources) {
      let after: string | undefined
      do {
        const page = await deliveries.list({ source, ...range, limit: PAGE, after })
        const found = await matching(deliveries, page.deliveries, contains)
        looked += page.deliveries.length
        after = page.next
        yield { looked, found, done: false }
        await setImmediate()
      } while (after !== undefined)
    }
    yield { looked, found: [], done: true }
  } catch (error) {
    yield { looked, found: [], done: false, error: error instanceof Error ? error.message : String(error) }
  }
}

async function matching(deliveries: Deliveries, listed: ListedDelivery[], contains: string): Promise<ListedDelivery[]> {
  const found: ListedDelivery[] = []
  for (let from = 0; from < listed.length; from += READ_AT_ONCE) {
    const some = listed.slice(from, from + READ_AT_ONCE)
    const bodies = await Promise.all(some.map(({ source, id }) => deliveries.find(source, id)))
    found.push(...some.filter((_, i) => includes(bodies[i]?.delivery.body, contains)))
  }
  return found
}

const includes = (body: Uint8Array | undefined, text: string): boolean =>
  body !== undefined && Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(text)
