import { distance, moment } from '../format'
import { useNow } from './now'

/** A time, and how far it is from now. */
export function Moment({ at, far = true }: { at: string; far?: boolean }) {
  const now = useNow()
  return (
    <time dateTime={at} title={at}>
      {moment(at, now)}
      {far && <span class="muted">, {distance(at, now)}</span>}
    </time>
  )
}
