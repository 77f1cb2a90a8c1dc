import type { Engine } from '../engine/engine.js'
import type { Store } from '../stores/store.js'
import type { Clock } from '../util/clock.js'
import type { Source } from './source.js'
import type { SourceSettings } from './source-options.js'

/** A receiver's internal interface, for inboxes and adapters. */
export interface ReceiverInternals {
  engine: Engine
  /** The receiver's options. */
  options: SourceSettings & { store: Store; clock?: Clock }
  /**
   * A source with the receiver's options, named by method and pattern. @throws {ConfigurationError} the name is invalid
   */
  // biome-ignore lint/suspicious/noExplicitAny: the receiver's own kind
  routeSource: (name: string) => Source<any>
}

/** In the global registry: two copies of this package recognize each other's receivers. */
export const INTERNALS = Symbol.for('hookonce.receiver.internals')

export const internalsOf = (receiver: unknown): ReceiverInternals | undefined =>
  (receiver as { [INTERNALS]?: ReceiverInternals } | null | undefined)?.[INTERNALS]
