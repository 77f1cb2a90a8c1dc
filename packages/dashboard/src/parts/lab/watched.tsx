import type { ComponentChildren } from 'preact'
import type { CrashProgress, DuplicatesProgress } from '../../api/lab-types'
import { link } from '../../router'
import { StateBadge } from '../badges'

interface WatchedProps {
  source: string
  progress: Pick<CrashProgress | DuplicatesProgress, 'key' | 'record' | 'done' | 'error'>
  children: ComponentChildren
}

/** An event that is watched while something is done with it. */
export function Watched({ source, progress: { key, record, done, error }, children }: WatchedProps) {
  return (
    <>
      <p role="status">
        {done ? 'Done' : 'In progress'}: the event with the key{' '}
        <span class="key">{record === null ? key : <a href={link(['records', source, key])}>{key}</a>}</span>
        {record !== null && (
          <>
            {' '}
            <StateBadge record={record} />
          </>
        )}
      </p>
      {error !== undefined && <p class="message">It was broken off: {error}</p>}
      {children}
    </>
  )
}
