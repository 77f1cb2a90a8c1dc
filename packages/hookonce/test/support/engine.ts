import { channel } from 'node:diagnostics_channel'
import {
  type Attempt,
  createIdempotency,
  DEFAULT_TIMING,
  EVENTS_CHANNEL,
  type HookonceEvent,
  type IdempotencyOptions,
  type Store,
} from 'hookonce'
import { memoryStore } from 'hookonce/stores/memory'
import { ManualClock } from 'hookonce/testing'
import { afterEach, beforeEach } from 'vitest'
import type { Settlement } from '../../dist/engine/commit.js'
import { Engine } from '../../dist/engine/engine.js'
import type { Outcome } from '../../dist/engine/outcome.js'
import { createReport } from '../../dist/util/report.js'

export const timing = DEFAULT_TIMING
export const id = { scope: 's', key: 'k' }

/** New for each test. */
export let clock: ManualClock
export let store: Store
export let events: HookonceEvent[]
const collect = (event: unknown) => void events.push(event as HookonceEvent)

beforeEach(() => {
  clock = new ManualClock()
  store = memoryStore({ clock })
  events = []
  channel(EVENTS_CHANNEL).subscribe(collect)
})
afterEach(() => {
  channel(EVENTS_CHANNEL).unsubscribe(collect)
})

/** What users get. */
export const idempotencyOf = (options: Partial<IdempotencyOptions> = {}) =>
  createIdempotency({ store, clock, ...options })

export const engine = (options: Partial<IdempotencyOptions> = {}) =>
  new Engine({ store, clock, ...options }, createReport(options.onEvent))

/** Replaces operations of the store, as a network or a failing disk would. */
export const storeWith = (changes: Partial<Store>): Store => Object.assign(Object.create(store), changes)

export function deferred() {
  let resolve!: () => void
  const promise = new Promise<void>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}

export const never = () => new Promise<never>(() => {})

/** A handler under control: how often it ran, and what it comes to. */
export function controlled() {
  const runs: {
    attempt: Attempt
    finish: (text: string) => void
    giveBack: () => void
    throw: (error: Error) => void
  }[] = []
  const work = (attempt: Attempt) =>
    new Promise<Settlement<string>>((resolve, reject) => {
      runs.push({
        attempt,
        finish: text => resolve({ value: text, result: Buffer.from(text) }),
        giveBack: () => resolve({ value: 'given back' }),
        throw: reject,
      })
    })
  return { runs, work }
}

export function ask(
  idempotency: ReturnType<typeof engine>,
  work: (attempt: Attempt) => Promise<Settlement<string>>,
  fingerprint: string | null = null,
) {
  const asked: { outcome?: Outcome<string> } = {}
  void idempotency.process<string>({ ...id, fingerprint, timing }, work).then(outcome => {
    asked.outcome = outcome
  })
  return asked
}

export const textOf = (outcome: Outcome<string> | undefined) =>
  outcome?.kind === 'replayed' ? Buffer.from(outcome.result).toString() : undefined
