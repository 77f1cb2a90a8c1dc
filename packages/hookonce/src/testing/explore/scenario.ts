import type { Handler } from '../../receiver/source.js'
import type { SourceSettings } from '../../receiver/source-options.js'
import type { SqliteTransaction } from '../../stores/sqlite/index.js'
import type { Transactions } from '../../stores/store.js'
import type { TestEvent } from '../request.js'
import type { AsyncServices } from './services.js'

/** A handler, what it works with, and what must be true at the end. */
export interface Scenario<Services extends object> {
  /**
   * What the handler calls and changes: fakes of payments, mails, databases. Made anew for each schedule; a crash does
   * not change it. Each call of a method is a step, before and after which the process may crash.
   */
  services(): Services
  /**
   * Makes the handler, once for each process that starts: what it keeps in variables of its own is lost in a crash. It
   * awaits every method of its services, and nothing else that takes time.
   */
  handler(services: AsyncServices<Services>): Handler
  /** Throws if the effects are wrong. Called when every event was answered with success and nothing runs any more. */
  check(services: Services): void | Promise<void>
  /** The events, in the order in which the sender has them. Default: one, `evt_1`. */
  events?: readonly TestEvent[]
  /** The source's settings, its sender among them. */
  source?: SourceSettings
}

/** A handler with `attempt.commit`. */
export interface DatabaseScenario<Services extends object>
  extends Omit<Scenario<Services>, 'services' | 'handler' | 'check'> {
  /** SQL that makes the handler's tables in a SQLite database in memory. */
  tables: string
  services(database: SqliteTransaction): Services
  handler(services: AsyncServices<Services>): Handler<Transactions<SqliteTransaction, 'sync'>>
  check(services: Services, database: SqliteTransaction): void | Promise<void>
}
