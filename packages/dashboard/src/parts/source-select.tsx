import { getSources } from '../api/client'
import { useLoad } from './load'

interface SourceSelectProps {
  value: string | undefined
  /** Offers all of them as well. */
  all?: boolean
  onChange?(source: string): void
}

/** A field `source` of a form. */
export function SourceSelect({ value, all = false, onChange }: SourceSelectProps) {
  const { data = [] } = useLoad(getSources, [])
  const names = data.map(({ name }) => name)
  // Records may be of a source that is configured no more.
  if (value !== undefined && !names.includes(value)) names.push(value)
  return (
    <label class="field">
      <span>Source</span>
      <select name="source" onChange={event => onChange?.(event.currentTarget.value)}>
        {all && <option value="">all</option>}
        {names.map(name => (
          <option key={name} value={name} selected={name === value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
