import type { RecordState } from '../api/types'
import { go, link } from '../router'
import { fromField, toField } from '../time-field'
import { SourceSelect } from './source-select'

export const STATES: RecordState[] = ['running', 'completed', 'failed', 'pending', 'dead']

/** The filters of a list, in the address. */
const FIELDS = ['key', 'source', 'state', 'type', 'term', 'error', 'since', 'until'] as const

export type Given = Partial<Record<(typeof FIELDS)[number], string>>

export const givenIn = (query: URLSearchParams): Given =>
  Object.fromEntries(FIELDS.flatMap(name => (query.get(name) ? [[name, query.get(name)]] : [])))

/** The fields that few need are folded away unless they are given. */
export function RecordSearch({ given }: { given: Given }) {
  const search = (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const fields = Object.fromEntries(FIELDS.map(name => [name, String(form.get(name)).trim()]))
    go(link(['records'], { ...fields, since: fromField(fields.since!), until: fromField(fields.until!) }))
  }
  const { key, source, state, type, term, error, since, until } = given
  return (
    <search>
      <form class="filters" onSubmit={search}>
        <label class="field wide">
          <span>Key or label</span>
          <input
            name="key"
            type="search"
            defaultValue={key ?? ''}
            placeholder="the whole of it, or how a key begins: order-*"
            spellcheck={false}
          />
        </label>
        <SourceSelect value={source} all />
        <label class="field">
          <span>State</span>
          <select name="state" defaultValue={state ?? ''}>
            <option value="">all</option>
            {STATES.map(each => (
              <option key={each} value={each} selected={each === state}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary">
          Search
        </button>
        <details open={Boolean(type ?? term ?? error ?? since ?? until)}>
          <summary>Type, term, error, time</summary>
          <div class="filters">
            <TextField name="type" title="Type begins with" value={type} example="invoice." />
            <TextField name="term" title="Term" value={term} example="4711" />
            <TextField name="error" title="Last error contains" value={error} example="ECONNREFUSED" />
            <label class="field">
              <span>First attempted since</span>
              <input type="datetime-local" name="since" defaultValue={toField(since)} />
            </label>
            <label class="field">
              <span>and before</span>
              <input type="datetime-local" name="until" defaultValue={toField(until)} />
            </label>
          </div>
        </details>
      </form>
    </search>
  )
}

interface TextFieldProps {
  name: string
  title: string
  value: string | undefined
  example: string
}

function TextField({ name, title, value, example }: TextFieldProps) {
  return (
    <label class="field">
      <span>{title}</span>
      <input name={name} type="search" defaultValue={value ?? ''} placeholder={example} spellcheck={false} />
    </label>
  )
}
