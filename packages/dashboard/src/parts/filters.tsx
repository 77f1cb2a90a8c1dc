import type { ComponentChildren } from 'preact'
import { go, link } from '../router'
import { fromField, toField } from '../time-field'
import { SourceSelect } from './source-select'

interface FiltersProps {
  /** Where the filtered list is. */
  path: string[]
  query: URLSearchParams
  /** What the times are of. */
  times: string
  /** Further fields, by the names in the query. */
  fields?: string[]
  children?: ComponentChildren
}

/** A list's filters by source and time, in the address. */
export function Filters({ path, query, times, fields = [], children }: FiltersProps) {
  const given = (name: string) => query.get(name) ?? undefined
  const filter = (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const field = (name: string) => String(form.get(name)).trim()
    const others = Object.fromEntries(fields.map(name => [name, field(name)]))
    const range = { since: fromField(field('since')), until: fromField(field('until')) }
    go(link(path, { source: field('source'), ...range, ...others }))
  }
  return (
    <search>
      <form class="filters" key={String(query)} onSubmit={filter}>
        <SourceSelect value={given('source')} all />
        <label class="field">
          <span>{times} since</span>
          <input type="datetime-local" name="since" defaultValue={toField(given('since'))} />
        </label>
        <label class="field">
          <span>and before</span>
          <input type="datetime-local" name="until" defaultValue={toField(given('until'))} />
        </label>
        {children}
        <button type="submit" class="primary">
          Filter
        </button>
      </form>
    </search>
  )
}
