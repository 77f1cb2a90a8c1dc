import { useEffect, useRef, useState } from 'preact/hooks'
import { type DeadQuery, redriveDead } from '../api/client'
import type { RedriveProgress } from '../api/types'
import { count } from '../format'
import { Confirm } from './confirm'
import { Failure } from './failure'

interface RedriveManyProps {
  query: DeadQuery & { error?: string }
  disabled: boolean
  onDone(): void
}

/** Begins everything again that fits; can be stopped, and asked for again to go on. */
export function RedriveMany({ query, disabled, onDone }: RedriveManyProps) {
  const [asking, setAsking] = useState(false)
  const [running, setRunning] = useState<AbortController>()
  const [progress, setProgress] = useState<RedriveProgress>()
  const [error, setError] = useState<unknown>()
  const left = useRef<AbortController>(null)
  useEffect(() => () => left.current?.abort(), [])

  const run = async () => {
    const controller = new AbortController()
    left.current = controller
    setRunning(controller)
    setProgress(undefined)
    setError(undefined)
    try {
      await redriveDead(query, setProgress, controller.signal)
    } catch (error) {
      if (!controller.signal.aborted) setError(error)
    }
    setRunning(undefined)
    onDone()
  }

  const narrowed = Object.keys(query).length > 0
  return (
    <div class="redrive">
      <div class="actions">
        <button type="button" disabled={disabled || running !== undefined} onClick={() => setAsking(true)}>
          {narrowed ? 'Redrive all that fit…' : 'Redrive all…'}
        </button>
        {running !== undefined && (
          <button type="button" onClick={() => running.abort()}>
            Stop
          </button>
        )}
        <p role="status" class="progress">
          {running !== undefined && <progress aria-label="Redrive" />}
          {progress !== undefined && said(progress, running !== undefined)}
        </p>
      </div>
      {error !== undefined && <Failure error={error} />}
      {asking && (
        <Confirm
          title={narrowed ? 'Redrive all that fit?' : 'Redrive all that is dead?'}
          action="Redrive"
          onConfirm={async () => void run()}
          onClose={() => setAsking(false)}
        >
          <p>A new round of attempts begins for each. Is what they failed at mended?</p>
        </Confirm>
      )}
    </div>
  )
}

function said({ redriven, looked, done }: RedriveProgress, running: boolean): string {
  const counts = `${count(redriven)} redriven of ${count(looked)} looked at`
  if (running) return `${counts}…`
  return done ? `${counts}.` : `${counts}; stopped. Redrive again to go on.`
}
