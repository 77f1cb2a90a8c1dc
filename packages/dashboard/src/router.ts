import { useEffect, useState } from 'preact/hooks'

/** Where in the dashboard: `#/records/<source>/<key>?<query>`. Segments are percent-encoded, so keys may hold anything. */
export interface Place {
  path: string[]
  query: URLSearchParams
}

export function parsePlace(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  return { path: path.split('/').filter(Boolean).map(decoded), query: new URLSearchParams(search) }
}

/** The link to a place. Empty values are left out. */
export function link(path: string[], query: Record<string, string | undefined> = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value)
  return `#/${path.map(encodeURIComponent).join('/')}${search.size > 0 ? `?${search}` : ''}`
}

export function go(to: string): void {
  location.hash = to
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const changed = () => setHash(location.hash)
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return parsePlace(hash)
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** The token of a link that logs in, `#token=…`, which does not stay in the address bar. */
export function tokenOfLink(): string | undefined {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1]
  if (token === undefined) return undefined
  history.replaceState(null, '', location.pathname)
  // Which is no change that the browser itself tells of.
  dispatchEvent(new Event('hashchange'))
  return decoded(token)
}
