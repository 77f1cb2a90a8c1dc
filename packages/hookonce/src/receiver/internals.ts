import type { Engine } from '../engine/engine.js'
import type { Store } from '../stores/store.js'
import type { Clock } from '../util/clock.js'
import type { Source } from './source.js'
import type { SourceSettings } from './source-options.js'

/** What inboxes and adapters work with of a receiver. */
export interface ReceiverInternals {
  engine: Engine
  /** The receiver's own rules. */
  options: SourceSettings & { store: Store; clock?: Clock }
  /** A source with the receiver's own rules, named by method and pattern. @throws {ConfigurationError} too long */
  // biome-ignore lint/suspicious/noExplicitAny: the receiver's own kind
  routeSource: (name: string) => Source<any>
}

/** A receiver's property. Of the global registry, so that two copies of this package know each other's receivers. */
export const INTERNALS = Symbol.for('hookonce.receiver.internals')

export const internalsOf = (receiver: unknown): ReceiverInternals | undefined =>
  (receiver as { [INTERNALS]?: ReceiverInternals } | null | undefined)?.[INTERNALS]
