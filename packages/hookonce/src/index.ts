/**
 * Receivers, inboxes and idempotent runs over a store, one recorded result per key.
 *
 * @module hookonce
 */
export {
  ACTIVITY_CHANNEL,
  type AttemptEndKind,
  type DeliveryOutcome,
  EVENTS_CHANNEL,
  type HookonceActivity,
  type HookonceEvent,
  type LossReason,
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
export { createIdempotency, type Idempotency, type RunRequest } from './engine/idempotency.js'
export type { IdempotencyOptions } from './engine/options.js'
export { processName } from './engine/process-name.js'
export { DEFAULT_TIMING, type Timing } from './engine/timing.js'
export {
  ConfigurationError,
  HookonceError,
  InvalidKeyError,
  NonRetriableError,
  NoResultError,
  type NoResultReason,
  RetryAfterError,
  StoreError,
} from './errors.js'
export { Delivery, type DeliveryHead, type DeliveryInit, type HeaderList, requestIdOf } from './http/delivery.js'
export { decodeDelivery, encodeDelivery } from './http/delivery-codec.js'
export { endToEnd } from './http/header-names.js'
export { keyOf } from './http/idempotency-key.js'
export { PROBLEMS, type ProblemCode, type ProblemOptions, problem } from './http/problem.js'
export { type Answer, type HandlerResponse, jsonResponse, type RecordedResponse } from './http/response.js'
export { Breaker, type BreakerState } from './inbox/circuit-breaker.js'
export {
  defineWebhooks,
  type StandardSchema,
  type Webhook,
  type WebhookEvent,
  type WebhooksOptions,
  webhook,
} from './inbox/event-router.js'
export { createInbox, type Inbox, type InboxOptions } from './inbox/inbox.js'
export { DEFAULT_RETRY_DELAYS_MS } from './inbox/retry-schedule.js'
export type { InboxHandler, InboxSourceOptions } from './inbox/source-options.js'
export { MAX_HEADER_FIELDS } from './receiver/checks.js'
export { createReceiver, type Receiver, type ReceiverOptions, type ReceiverRecord } from './receiver/receiver.js'
export type { Handler, Source, SourceOptions } from './receiver/source.js'
export { type SourceSettings, timingOf } from './receiver/source-options.js'
export {
  type AcceptOutcome,
  type AcceptRequest,
  type Backlog,
  type ClaimDueRequest,
  type DueClaim,
  type FailNext,
  type InboxStore,
  isInboxStore,
  LOST_ERROR,
  MOST_COUNTED,
  type RedriveOptions,
  type RedriveOutcome,
} from './stores/inbox-store.js'
export type { Journal, JournalEntry, JournalQuery, NewEntry } from './stores/journal.js'
export {
  type Accepted,
  type AttemptOutcome,
  type ClaimOutcome,
  type ClaimRequest,
  type CompleteOutcome,
  type Failure,
  type ListQuery,
  lostError,
  MAX_ERROR_LENGTH,
  MAX_KEY_BYTES,
  MAX_RECORDS,
  MAX_STORED_BYTES,
  NEVER,
  PAGE_MS,
  type RecordedAttempt,
  type RecordId,
  type RecordPage,
  type RecordSummary,
  type Store,
  type StoredRecord,
  type StoreStats,
  type TransactionalStore,
  type Transactions,
  type TransactionsOf,
} from './stores/store.js'
export { type Clock, systemClock } from './util/clock.js'
export { checkConnectionUrl } from './util/connection-url.js'
