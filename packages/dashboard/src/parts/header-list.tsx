import type { Header } from '../api/types'
import { visible } from './visible'

/** Header fields in their order. Those that `besides` lacks are marked. */
export function HeaderList({ headers, besides }: { headers: Header[]; besides?: Header[] }) {
  if (headers.length === 0) return <p class="muted">No headers.</p>
  const isNew = ([name, value]: Header) =>
    besides !== undefined && !besides.some(other => other[0] === name && other[1] === value)
  return (
    <dl class="headers">
      {headers.map((header, i) => (
        <div key={i} class={isNew(header) ? 'differs' : undefined}>
          <dt>{header[0]}</dt>
          <dd>{isNew(header) ? <mark>{visible(header[1])}</mark> : visible(header[1])}</dd>
        </div>
      ))}
    </dl>
  )
}
