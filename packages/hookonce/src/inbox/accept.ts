import { randomUUID } from 'node:crypto'
import type { EngineContext } from '../engine/context.js'
import { callUntilAnswered, wasRefused } from '../engine/store-call.js'
import type { AcceptOutcome, AcceptRequest, InboxStore } from '../stores/inbox-store.js'
import { ShortLivedMap } from '../util/short-lived-map.js'

/** What is accepted; the acceptance itself is named here. */
export type Acceptance = Omit<AcceptRequest, 'acceptId'>

export type Accepted = AcceptOutcome | { status: 'unavailable' }

/**
 * Accepts deliveries for later. Those of one key that arrive together are one call to the store: the first is accepted,
 * the others learn that it is known.
 */
export class Acceptor {
  readonly #context: EngineContext
  readonly #store: InboxStore
  readonly #pending = new ShortLivedMap<string, Promise<Accepted>>()

  constructor(context: EngineContext, store: InboxStore) {
    this.#context = context
    this.#store = store
  }

  async accept(acceptance: Acceptance, requestId: string | null): Promise<Accepted> {
    const { scope, key, fingerprint } = acceptance
    // Neither scope nor key holds a control character.
    const entry = `${scope}\n${key}\n${fingerprint ?? ''}`
    const pending = this.#pending.get(entry)
    if (pending !== undefined) {
      const outcome = await pending
      return outcome.status === 'accepted' ? { ...outcome, status: 'known', state: 'pending' } : outcome
    }
    const first = this.#send({ ...acceptance, acceptId: randomUUID() }, requestId)
    this.#pending.set(entry, first)
    try {
      return await first
    } finally {
      this.#pending.delete(entry)
    }
  }

  /** An acceptance without an answer may have happened: it is sent once more, as the same one. */
  async #send(request: AcceptRequest, requestId: string | null): Promise<Accepted> {
    const { clock, storeTimeoutMs, report } = this.#context
    const { scope, key } = request
    const sentAt = clock.monotonic()
    let isOver = false
    const outcome = await callUntilAnswered(this.#context, 'accept', () => this.#store.accept(request), {
      giveUpAt: sentAt + 2 * storeTimeoutMs,
      isOver: () => isOver,
      failed(error, call) {
        isOver = call > 1 || wasRefused(error)
        const durationMs = clock.monotonic() - sentAt
        report({ type: 'store_failed', scope, key, requestId, durationMs, operation: 'accept', error })
      },
    })
    return outcome ?? { status: 'unavailable' }
  }
}
