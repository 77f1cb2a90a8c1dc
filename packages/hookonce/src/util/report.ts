import { channel } from 'node:diagnostics_channel'
import { isPromise } from 'node:util/types'
import { EVENTS_CHANNEL, type HookonceEvent } from '../diagnostics.js'
import { StoreError } from '../errors.js'
import { warn } from './warn.js'

/** Reports an event to the operator. Never throws. */
export type Report = (event: HookonceEvent) => void

const events = channel(EVENTS_CHANNEL)

/**
 * Publishes events to the diagnostics channel and to `onEvent`. Without a subscriber and without `onEvent`, events
 * become process warnings: the first of each type immediately, then the number of further ones once a minute.
 */
export function createReport(onEvent?: (event: HookonceEvent) => void): Report {
  const listen = onEvent && guarded(onEvent)
  const warnings = new Warnings()
  return event => {
    if (events.hasSubscribers) events.publish(event)
    else if (listen === undefined) warnings.add(event)
    listen?.(event)
  }
}

/** Warns once of an error that `onEvent` throws or rejects with, and continues. */
function guarded(onEvent: (event: HookonceEvent) => unknown): Report {
  let isWarned = false
  const failed = (error: unknown) => {
    if (isWarned) return
    isWarned = true
    warn('ON_EVENT', `onEvent failed: ${titleOf(error)}`, framesOf(error))
  }
  return event => {
    try {
      const outcome = onEvent(event)
      if (isPromise(outcome)) outcome.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

const MINUTE_MS = 60_000

class Warnings {
  /** Events of a type since its last warning. A type without events for a minute is absent. */
  readonly #more = new Map<HookonceEvent['type'], number>()

  add(event: HookonceEvent): void {
    const { type } = event
    const more = this.#more.get(type)
    if (more !== undefined) {
      this.#more.set(type, more + 1)
      return
    }
    // A store's error has a stack of this library, which does not help.
    const detail = 'error' in event && type !== 'store_failed' ? framesOf(event.error) : undefined
    warn(type, `source ${event.scope}: ${textOf(event)}`, detail)
    this.#count(type)
  }

  #count(type: HookonceEvent['type']): void {
    this.#more.set(type, 0)
    setTimeout(() => {
      const more = this.#more.get(type)!
      this.#more.delete(type)
      if (more === 0) return
      warn(type, `…and ${more} more of ${type} in the last minute`)
      this.#count(type)
    }, MINUTE_MS).unref()
  }
}

function textOf(event: HookonceEvent): string {
  switch (event.type) {
    case 'handler_threw':
      return `the handler of attempt ${event.attempt} threw ${titleOf(event.error)}`
    case 'attempt_given_back':
      return `the answer of attempt ${event.attempt} is not recorded: ${event.reason}`
    case 'attempt_taken_over':
      return `attempt ${event.attempt} took the key from one that ended without a word`
    case 'attempt_lost':
      return `attempt ${event.attempt} lost its key while its handler worked (${event.reason})`
    case 'result_refused':
      return `the result of attempt ${event.attempt} was refused: another attempt owns the key, or it was deleted`
    case 'result_dropped':
      return `the result of attempt ${event.attempt} could not be brought to the store, and is gone`
    case 'receiver_failed':
      return `a delivery could not be answered: ${titleOf(event.error)}`
    case 'attempts_exhausted':
      return `${event.losses} attempts for a key ended without a word; it is not run again until its record is deleted`
    case 'deadline_missed':
      return `the handler took ${Math.round(event.tookMs)} ms and its sender waits ${event.deadlineMs}: it delivers again`
    case 'source_full':
      return event.full
        ? `it keeps as much as ${event.limit} (${event.most}) allows: deliveries with new keys are answered 507`
        : 'it has room for new keys again'
    case 'delivery_died':
      return `a delivery is dead after attempt ${event.attempt}: ${event.reason}`
    case 'store_failed':
      return `the store failed to ${event.operation}: ${event.error instanceof StoreError ? event.error.message : titleOf(event.error)}`
  }
}

const MAX_TITLE_LENGTH = 1_000

function titleOf(error: unknown): string {
  if (typeof error === 'string') return error.slice(0, MAX_TITLE_LENGTH)
  if (!(error instanceof Error)) return `something that is no error (${typeof error})`
  // JSON.parse quotes its input, which may be a delivery's body.
  if (error instanceof SyntaxError) return error.name
  return `${error.name}: ${error.message}`.slice(0, MAX_TITLE_LENGTH)
}

const MAX_CAUSES = 5

/** The stack frames of an error and its causes. Not `stack` itself, which begins with the message. */
function framesOf(error: unknown): string {
  const lines: string[] = []
  let cause = error
  for (let depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++, cause = cause.cause) {
    if (depth > 0) lines.push(`caused by ${titleOf(cause)}`)
    lines.push(...(cause.stack ?? '').split('\n').filter(line => /^\s+at /.test(line)))
  }
  return lines.join('\n')
}
