import { link } from '../router'

interface PagerProps {
  /** What the pages are of. */
  of: string
  /** Where the list is, and its filters. */
  path: string[]
  filters: Record<string, string | undefined>
  /** That the page begins after; `undefined`: it is the first. */
  after: string | undefined
  /** That the next page begins after; absent on the last. */
  next: string | null | undefined
}

/** The links to the first and to the next page of a list. */
export function Pager({ of, path, filters, after, next }: PagerProps) {
  return (
    <nav class="pager" aria-label={`Pages of ${of}`}>
      {after !== undefined && <a href={link(path, filters)}>Newest</a>}
      {next && <a href={link(path, { ...filters, after: next })}>Older</a>}
    </nav>
  )
}
