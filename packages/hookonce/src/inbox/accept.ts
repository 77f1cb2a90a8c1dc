import { randomUUID } from 'node:crypto'
import type { HoldContext } from '../engine/leased-attempt.js'
import { asked, wasRefused } from '../engine/store-call.js'
import type { AcceptOutcome, AcceptRequest, InboxStore } from '../stores/inbox-store.js'
import { ShortLivedMap } from '../util/short-lived-map.js'

/** What is to be accepted; the acceptance itself is named here. */
export type Acceptance = Omit<AcceptRequest, 'acceptId'>

/**
 * Accepts deliveries for later. Those of one key that come together are one question to the store: the first is
 * accepted, the others learn that it is known.
 */
export class Accepting {
  readonly #context: HoldContext
  readonly #store: InboxStore
  readonly #asking = new ShortLivedMap<string, Promise<AcceptOutcome | 'unavailable'>>()

  constructor(context: HoldContext, store: InboxStore) {
    this.#context = context
    this.#store = store
  }

  async accept(acceptance: Acceptance, requestId: string | null): Promise<AcceptOutcome | 'unavailable'> {
    const { scope, key, fingerprint } = acceptance
    // Neither scope nor key holds a control character.
    const entry = `${scope}\n${key}\n${fingerprint ?? ''}`
    const asking = this.#asking.get(entry)
    if (asking !== undefined) {
      const outcome = await asking
      return outcome !== 'unavailable' && outcome.status === 'accepted'
        ? { ...outcome, status: 'known', state: 'pending' }
        : outcome
    }
    const first = this.#ask({ ...acceptance, acceptId: randomUUID() }, requestId).finally(() =>
      this.#asking.delete(entry),
    )
    this.#asking.set(entry, first)
    return first
  }

  /** An acceptance without an answer may have happened: it is asked once more, as the same one. */
  async #ask(request: AcceptRequest, requestId: string | null): Promise<AcceptOutcome | 'unavailable'> {
    const { clock } = this.#context
    const askedAt = clock.monotonic()
    for (const last of [false, true]) {
      try {
        return await asked(this.#context, 'accept', () => this.#store.accept(request))
      } catch (error) {
        const { scope, key } = request
        const durationMs = clock.monotonic() - askedAt
        this.#context.report({ type: 'store_failed', scope, key, requestId, durationMs, operation: 'accept', error })
        if (last || wasRefused(error)) return 'unavailable'
      }
    }
    return 'unavailable'
  }
}
