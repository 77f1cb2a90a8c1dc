import type { RecordId, Store } from '../stores/store.js'
import type { Clock } from '../util/clock.js'
import { jittered } from './store-call.js'

const FIRST_POLL_MS = 20
const LAST_POLL_MS = 500

/**
 * The pauses between reads of a record that another process works on: until the store says that it changed, where it
 * can, and of growing length in any case.
 */
export class RecordWatch {
  readonly #clock: Clock
  readonly #watch: Store['watch']
  readonly #id: RecordId
  #pollMs: number
  #unwatch: (() => void) | undefined
  #hasChanged = false
  #wake = (): void => {}

  constructor(clock: Clock, store: Store, id: RecordId) {
    this.#clock = clock
    this.#watch = store.watch?.bind(store)
    this.#id = id
    this.#pollMs = this.#watch ? LAST_POLL_MS : FIRST_POLL_MS
  }

  /** Waits for a change; at most `ms`. */
  async change(ms: number): Promise<void> {
    if (this.#watch && this.#unwatch === undefined) {
      this.#unwatch = this.#watch(this.#id, () => {
        this.#hasChanged = true
        this.#wake()
      })
    }
    if (!this.#hasChanged) {
      await new Promise<void>(resolve => {
        const cancel = this.#clock.after(Math.min(jittered(this.#pollMs), ms), resolve)
        this.#wake = () => {
          cancel()
          resolve()
        }
      })
      this.#pollMs = Math.min(2 * this.#pollMs, LAST_POLL_MS)
    }
    this.#hasChanged = false
  }

  stop(): void {
    this.#unwatch?.()
  }
}
