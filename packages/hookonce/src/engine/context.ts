import type { Store } from '../stores/store.js'
import type { Report } from '../util/report.js'
import type { RunningAttempts } from './running-attempts.js'
import type { StoreCallContext } from './store-call.js'
import type { WaitingRoom } from './waiting-room.js'

/** What every part of an engine works with. */
export interface EngineContext extends StoreCallContext {
  store: Store
  report: Report
  running: RunningAttempts
  waiting: WaitingRoom
}
