import diff from 'microdiff'
import { useMemo } from 'preact/hooks'
import type { Body } from '../api/types'
import { visible } from './visible'

/** More are cut off: the reader sees that it is another body. */
const MOST_SHOWN = 100

/** What differs between two bodies of JSON, field by field. */
export function Differences({ first, second }: { first: Body; second: Body }) {
  const changes = useMemo(() => changesOf(first, second), [first, second])
  if (changes === undefined) return <p class="muted">One of the two bodies is no JSON, or was not kept whole.</p>
  if (changes.length === 0) return <p class="muted">The same fields with the same values; the bytes differ.</p>
  return (
    <table>
      <caption class="hidden">What differs from the first delivery</caption>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">First delivery</th>
          <th scope="col">This one</th>
        </tr>
      </thead>
      <tbody>
        {changes.slice(0, MOST_SHOWN).map(({ path, before, after }) => (
          <tr key={path}>
            <td class="key">{visible(path)}</td>
            <td class="key">{before === undefined ? '–' : <del>{visible(before)}</del>}</td>
            <td class="key">{after === undefined ? '–' : <mark>{visible(after)}</mark>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface Change {
  path: string
  /** As JSON; `undefined`: there is no such field. */
  before: string | undefined
  after: string | undefined
}

/** `undefined`: they are no JSON. */
function changesOf(first: Body, second: Body): Change[] | undefined {
  try {
    const [before, after] = [first, second].map(({ body }) => ({ body: JSON.parse(body!) }))
    return diff(before!, after!).map(change => ({
      // Without the wrapper, which lets a body be no object.
      path: change.path.slice(1).join('.') || '(all of it)',
      before: change.type === 'CREATE' ? undefined : JSON.stringify(change.oldValue),
      after: change.type === 'REMOVE' ? undefined : JSON.stringify(change.value),
    }))
  } catch {
    return undefined
  }
}
