export {
  type AsyncCommit,
  type Attempt,
  type AttemptWith,
  type CommitOf,
  type SyncCommit,
  withCommit,
} from './attempt.js'
export { type Clock, systemClock } from './clock.js'
export type { Commit, Effects, Settlement } from './committing.js'
export { Delivery, type DeliveryInit, type HeaderList } from './delivery.js'
export { EVENTS_CHANNEL, type HookonceEvent } from './diagnostics.js'
export * from './errors.js'
export type { Work } from './holding.js'
export * from './idempotency.js'
export * from './inbox-store.js'
export type { Outcome } from './outcome.js'
export { PROBLEMS, type ProblemCode, type ProblemOptions, problem } from './problem.js'
export * from './receiver.js'
export {
  type Answer,
  type DeliveryOutcome,
  type HandlerResponse,
  jsonResponse,
  type RecordedResponse,
} from './response.js'
export { DEFAULT_TIMING, type Timing } from './settings.js'
export * from './store.js'
