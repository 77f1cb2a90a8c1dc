import type { Event } from '../events.js'
import { type FuzzSource, SOURCES, sourceNamed } from '../sources.js'
import { type Reading, readRequests } from './reader.js'
import { identityOf, type Signed, verify } from './verify.js'

/** What is right for one request: it must be taken, may be, or must not be. */
export interface Expectation {
  verdict: 'must' | 'may' | 'never'
  method: string
  /** Whose content it is; `undefined`: nobody's. */
  run: { source: FuzzSource; identity: string } | undefined
  /** What must be taken. */
  event: Event | undefined
  /** Whether it goes where deliveries go, or nowhere: success would be wrong then, if it must not be taken. */
  delivers: boolean
}

export interface Expected {
  requests: Expectation[]
  rest: Reading['rest']
  /** Whether one of them may be refused for its form, and its connection ended. */
  isDoubtful: boolean
  /** Whether the connection is good for more after the last answer. */
  goesOn: boolean
}

/** What is right for all that these bytes are, which were made of these events. `now`: ms since the epoch. */
export function expectationsOf(bytes: Buffer, events: readonly Event[], now: number): Expected {
  const { requests, rest } = readRequests(bytes)
  const expectations: Expectation[] = []
  let isDoubtful = false
  let goesOn = true
  for (const request of requests) {
    const { method, target } = request
    const place = placeOf(target)
    isDoubtful ||= request.lenient || method === 'CONNECT' || !goesOn
    const found: Expectation = {
      verdict: 'never',
      method,
      run: undefined,
      event: undefined,
      delivers: place !== undefined,
    }
    expectations.push(found)
    if (place !== undefined && method === 'POST') {
      const signed = { headers: request.headers, query: place.query, body: request.body }
      const verdict = verify(place.source, signed, now)
      if (verdict !== 'foreign') {
        found.run = { source: place.source, identity: identityOf(place.source, signed) }
        if (place.exact && !isDoubtful && verdict === 'genuine') found.event = asSent(signed, place.source, events)
        found.verdict = found.event === undefined ? 'may' : 'must'
      }
    }
    if (request.closes) goesOn = false
  }
  return { requests: expectations, rest, isDoubtful, goesOn }
}

/** The ordinary event that this is, with all that its sender writes and does not sign. */
function asSent({ headers, query, body }: Signed, source: FuzzSource, events: readonly Event[]): Event | undefined {
  const event = events.find(each => each.source === source && each.query === query && each.body.equals(body))
  if (event === undefined || !event.ordinary) return undefined
  const own = source.sender.sign({ method: 'POST', url: source.publicUrl, body, id: event.id, now: 0 })
  const isLabelled = own.every(([name, value]) => {
    if (source.credentials.includes(name)) return true
    const values = headers.filter(([each]) => each === name)
    return values.length === 1 && values[0]![1] === value
  })
  return isLabelled ? event : undefined
}

/** Where a target leads: exactly, or by some reading of it. */
function placeOf(target: string): { source: FuzzSource; query: string; exact: boolean } | undefined {
  const [path, query = ''] = target.split(/(?=\?)/s, 2) as [string, string?]
  const exact = sourceNamed(path.replace(/^\/hooks\//, ''))
  if (exact !== undefined && path === `/hooks/${exact.name}`) return { source: exact, query, exact: true }
  let decoded = path
  try {
    decoded = decodeURIComponent(path)
  } catch {
    // As it is, then.
  }
  const named = SOURCES.findLast(({ name }) => decoded.toLowerCase().includes(name))
  return named && { source: named, query, exact: false }
}
