import { randomUUID } from 'node:crypto'
import { asked, wasRefused } from './asking.js'
import type { HoldContext } from './holding.js'
import type { AcceptOutcome, AcceptRequest, InboxStore } from './inbox-store.js'
import { ShortLivedMap } from './short-lived-map.js'

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

  async accept(acceptance: Acceptance): Promise<AcceptOutcome | 'unavailable'> {
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
    const first = this.#ask({ ...acceptance, acceptId: randomUUID() }).finally(() => this.#asking.delete(entry))
    this.#asking.set(entry, first)
    return first
  }

  /** An acceptance without an answer may have happened: it is asked once more, as the same one. */
  async #ask(request: AcceptRequest): Promise<AcceptOutcome | 'unavailable'> {
    for (const last of [false, true]) {
      try {
        return await asked(this.#context, 'accept', () => this.#store.accept(request))
      } catch (error) {
        this.#context.report({
          type: 'store_failed',
          scope: request.scope,
          key: request.key,
          operation: 'accept',
          error,
        })
        if (last || wasRefused(error)) return 'unavailable'
      }
    }
    return 'unavailable'
  }
}
