/**
 * Tests of a handler: a receiver whose process can crash, and {@link explore}, which looks for a schedule of duplicates,
 * crashes and lost answers that breaks what the handler promises.
 *
 * @module
 */
export { type Exploration, type ExploreOptions, explore, ScheduleError } from './explore/explore.js'
export type { DatabaseScenario, Scenario } from './explore/scenario.js'
export type { AsyncServices } from './explore/services.js'
export { ManualClock } from './manual-clock.js'
export { type RequestOptions, requestOf, type TestEvent, type TestRequest } from './request.js'
export {
  CrashError,
  type TestAnswer,
  type TestReceiver,
  type TestReceiverOptions,
  testReceiver,
} from './test-receiver.js'
