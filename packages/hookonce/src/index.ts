export {
  ACTIVITY_CHANNEL,
  type AttemptEndKind,
  EVENTS_CHANNEL,
  type HookonceActivity,
  type HookonceEvent,
  type StoreOperation,
} from './diagnostics.js'
export {
  type AsyncCommit,
  type Attempt,
  type AttemptWith,
  type CommitOf,
  type SyncCommit,
  withCommit,
} from './engine/attempt.js'
export type { Commit, Effects, Settlement } from './engine/commit.js'
export {
  createIdempotency,
  type Idempotency,
  type RunRequest,
} from './engine/idempotency.js'
export type { Work } from './engine/leased-attempt.js'
export type { IdempotencyOptions, ProcessRequest } from './engine/options.js'
export type { Outcome } from './engine/outcome.js'
export type { Full, Limits, Quota } from './engine/quota.js'
export { DEFAULT_TIMING, type Timing } from './engine/timing.js'
export * from './errors.js'
export { Delivery, type DeliveryHead, type DeliveryInit, type HeaderList, requestIdOf } from './http/delivery.js'
export { endToEnd } from './http/header-names.js'
export { keyOf } from './http/idempotency-key.js'
export { PROBLEMS, type ProblemCode, type ProblemOptions, problem } from './http/problem.js'
export {
  type Answer,
  type DeliveryOutcome,
  type HandlerResponse,
  jsonResponse,
  type RecordedResponse,
} from './http/response.js'
export { Breaker } from './inbox/circuit-breaker.js'
export {
  defineWebhooks,
  type StandardSchema,
  type Webhook,
  type WebhookEvent,
  type WebhooksOptions,
  webhook,
} from './inbox/event-router.js'
export {
  createInbox,
  type Inbox,
  type InboxHandler,
  type InboxOptions,
  type InboxSourceOptions,
} from './inbox/inbox.js'
export { DEFAULT_RETRY_DELAYS_MS } from './inbox/retry-schedule.js'
export { MAX_HEADER_FIELDS, type SourceSettings, timingOf } from './receiver/checks.js'
export {
  createReceiver,
  type Handler,
  type Receiver,
  type ReceiverOptions,
  type ReceiverRecord,
  type Source,
  type SourceOptions,
} from './receiver/receiver.js'
export * from './stores/inbox-store.js'
export * from './stores/store.js'
export { type Clock, systemClock } from './util/clock.js'
export { checkConnectionUrl } from './util/connection-url.js'
