import { useEffect, useRef, useState } from 'preact/hooks'
import { countDead, type DeadQuery, redriveDead } from '../api/client'
import type { RedriveProgress } from '../api/types'
import { count } from '../format'
import { Confirm } from './confirm'
import { Failure } from './failure'

interface RedriveManyProps {
  query: DeadQuery & { error?: string }
  disabled: boolean
  onDone(): void
}

/** Begins everything again that fits, once it is said how much that is; can be stopped, and asked for again to go on. */
export function RedriveMany({ query, disabled, onDone }: RedriveManyProps) {
  /** How many are asked about. */
  const [asked, setAsked] = useState<number>()
  const [running, setRunning] = useState<AbortController>()
  const [progress, setProgress] = useState<RedriveProgress>()
  const [error, setError] = useState<unknown>()
  const left = useRef<AbortController>(null)
  useEffect(() => () => left.current?.abort(), [])

  const ask = () => {
    setError(undefined)
    setProgress(undefined)
    countDead(query).then(setAsked, setError)
  }
  const run = async (number: number) => {
    const controller = new AbortController()
    left.current = controller
    setRunning(controller)
    setProgress(undefined)
    setError(undefined)
    try {
      await redriveDead(query, number, setProgress, controller.signal)
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
        <button type="button" disabled={disabled || running !== undefined} onClick={ask}>
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
      {asked !== undefined && (
        <Confirm
          title={`Redrive ${count(asked)} ${asked === 1 ? 'delivery' : 'deliveries'}?`}
          action="Redrive"
          onConfirm={async () => void run(asked)}
          onClose={() => setAsked(undefined)}
        >
          <p>A new round of attempts begins for each. Is what they failed at mended?</p>
        </Confirm>
      )}
    </div>
  )
}

function said({ redriven, looked, done, error }: RedriveProgress, running: boolean): string {
  const counts = `${count(redriven)} redriven of ${count(looked)} looked at`
  if (running) return `${counts}…`
  if (done) return `${counts}.`
  return `${counts}; ${error === undefined ? 'stopped' : `broken off: ${error}`}. Redrive again to go on.`
}
