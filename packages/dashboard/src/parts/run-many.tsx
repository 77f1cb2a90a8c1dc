import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { count } from '../format'
import { Confirm } from './confirm'
import { Failure } from './failure'

interface RunManyProps<Progress> {
  /** On the buttons: `Redrive`. */
  verb: string
  /** Whether filters narrow what is run. */
  narrowed: boolean
  disabled: boolean
  /** How many fit now. */
  countMatching(): Promise<number>
  run(number: number, onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<void>
  /** How far it is, or how it ended. */
  said(progress: Progress, running: boolean): string
  onDone(): void
  /** What to think of before. */
  children: ComponentChildren
}

/** Runs all that fits, once it is said how many these are; can be stopped, and asked for again to go on. */
export function RunMany<Progress>({
  verb,
  narrowed,
  disabled,
  countMatching,
  run,
  said,
  onDone,
  children,
}: RunManyProps<Progress>) {
  /** How many are asked about. */
  const [asked, setAsked] = useState<number>()
  const [running, setRunning] = useState<AbortController>()
  const [progress, setProgress] = useState<Progress>()
  const [error, setError] = useState<unknown>()
  const left = useRef<AbortController>(null)
  useEffect(() => () => left.current?.abort(), [])

  const ask = () => {
    setError(undefined)
    setProgress(undefined)
    countMatching().then(setAsked, setError)
  }
  const start = async (number: number) => {
    const controller = new AbortController()
    left.current = controller
    setRunning(controller)
    setProgress(undefined)
    setError(undefined)
    try {
      await run(number, setProgress, controller.signal)
    } catch (error) {
      if (!controller.signal.aborted) setError(error)
    }
    setRunning(undefined)
    onDone()
  }

  return (
    <div class="redrive">
      <div class="actions">
        <button type="button" disabled={disabled || running !== undefined} onClick={ask}>
          {narrowed ? `${verb} all that fit…` : `${verb} all…`}
        </button>
        {running !== undefined && (
          <button type="button" onClick={() => running.abort()}>
            Stop
          </button>
        )}
        <p role="status" class="progress">
          {running !== undefined && <progress aria-label={verb} />}
          {progress !== undefined && said(progress, running !== undefined)}
        </p>
      </div>
      {error !== undefined && <Failure error={error} />}
      {asked !== undefined && (
        <Confirm
          title={`${verb} ${count(asked)} ${asked === 1 ? 'delivery' : 'deliveries'}?`}
          action={verb}
          onConfirm={async () => void start(asked)}
          onClose={() => setAsked(undefined)}
        >
          {children}
        </Confirm>
      )}
    </div>
  )
}
