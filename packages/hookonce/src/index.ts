export {
  type AsyncCommit,
  type Attempt,
  type AttemptWith,
  type CommitOf,
  type SyncCommit,
  withCommit,
} from './attempt.js'
export { Breaker } from './breaker.js'
export { type Clock, systemClock } from './clock.js'
export type { Commit, Effects, Settlement } from './committing.js'
export { checkConnectionUrl } from './connection-url.js'
export { Delivery, type DeliveryHead, type DeliveryInit, type HeaderList, requestIdOf } from './delivery.js'
export {
  ACTIVITY_CHANNEL,
  type AttemptEndKind,
  EVENTS_CHANNEL,
  type HookonceActivity,
  type HookonceEvent,
  type StoreOperation,
} from './diagnostics.js'
export type { IdempotencyOptions, ProcessRequest } from './engine-options.js'
export * from './errors.js'
export { endToEnd } from './header-names.js'
export type { Work } from './holding.js'
export {
  createIdempotency,
  type Idempotency,
  type RunRequest,
} from './idempotency.js'
export { createInbox, type Inbox, type InboxHandler, type InboxOptions, type InboxSourceOptions } from './inbox.js'
export * from './inbox-store.js'
export { MAX_HEADER_FIELDS, type SourceSettings, timingOf } from './intake.js'
export { keyOf } from './key.js'
export type { Outcome } from './outcome.js'
export { PROBLEMS, type ProblemCode, type ProblemOptions, problem } from './problem.js'
export type { Full, Limits, Quota } from './quota.js'
export {
  createReceiver,
  type Handler,
  type Receiver,
  type ReceiverOptions,
  type ReceiverRecord,
  type Source,
  type SourceOptions,
} from './receiver.js'
export {
  type Answer,
  type DeliveryOutcome,
  type HandlerResponse,
  jsonResponse,
  type RecordedResponse,
} from './response.js'
export { DEFAULT_RETRY_DELAYS_MS } from './retries.js'
export { DEFAULT_TIMING, type Timing } from './settings.js'
export * from './store.js'
export {
  defineWebhooks,
  type StandardSchema,
  type Webhook,
  type WebhookEvent,
  type WebhooksOptions,
  webhook,
} from './webhooks.js'
