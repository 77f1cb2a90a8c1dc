import type { Engine } from '../engine/engine.js'
import { ConfigurationError } from '../errors.js'
import { type InboxStore, isInboxStore, type RedriveOptions, type RedriveOutcome } from '../stores/inbox-store.js'
import type { RecordId } from '../stores/store.js'
import { type Acceptance, type Accepted, Acceptor } from './accept.js'
import { type DueWork, Worker } from './worker.js'

const ANNOUNCE_EVERY_MS = 20

/** The accepted records of one engine's store, and the workers of this process that take what is due of them. */
export class Queue {
  readonly #engine: Engine
  readonly #store: InboxStore
  readonly #acceptor: Acceptor
  readonly #workers = new Set<Pick<Worker<unknown>, 'scope' | 'wake'>>()
  readonly #announced = new Set<string>()

  /** @throws {ConfigurationError} the store keeps no inbox */
  constructor(engine: Engine) {
    const { store } = engine.context
    if (!isInboxStore(store)) throw new ConfigurationError(`the ${store.name} store keeps no inbox`)
    this.#engine = engine
    this.#store = store
    this.#acceptor = new Acceptor(engine.context, store)
  }

  /** Stores a delivery with its record, to be attempted by a worker later. Never rejects. */
  async accept(acceptance: Acceptance, requestId: string | null): Promise<Accepted> {
    const outcome = await this.#acceptor.accept(acceptance, requestId)
    if (outcome.status === 'accepted' && acceptance.delayMs === 0) this.#announce(acceptance.scope)
    return outcome
  }

  /** Attempts what is due of a scope, from now on. */
  work<T>(work: Omit<DueWork<T>, 'maxLosses'>): Worker<T> {
    const { context, maxLosses } = this.#engine
    const worker = new Worker<T>(context, this.#store, { ...work, maxLosses })
    this.#workers.add(worker)
    return worker
  }

  /** See {@link InboxStore.redrive}. @throws {StoreError} */
  async redrive(id: RecordId, options?: RedriveOptions): Promise<RedriveOutcome> {
    const outcome = await this.#engine.call('redrive', () => this.#store.redrive(id, options))
    if (outcome === 'redriven' || outcome === 'due') this.#announce(id.scope)
    return outcome
  }

  /** Wakes the workers of a scope: in this process at once, elsewhere where the store can push. */
  #announce(scope: string): void {
    for (const worker of this.#workers) if (worker.scope === scope) worker.wake()
    if (this.#announced.has(scope)) return
    // Many together are one announcement.
    this.#announced.add(scope)
    this.#engine.context.clock.after(ANNOUNCE_EVERY_MS, () => {
      this.#announced.delete(scope)
      this.#store.announceDue?.(scope)
    })
  }
}
