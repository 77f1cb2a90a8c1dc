import type { RecordId, Store } from '../stores/store.js'
import { type Asking, jittered } from './store-call.js'

const FIRST_POLL_MS = 20
const LAST_POLL_MS = 500

/**
 * The pauses between looks at a record that another process works on: until the store says that it changed, where it
 * can, and of growing length in any case.
 */
export class Pauses {
  readonly #clock: Asking['clock']
  readonly #watch: Store['watch']
  readonly #id: RecordId
  #pollMs: number
  #end: (() => void) | undefined
  #woken = false
  #wake = (): void => {}

  constructor({ clock, store }: Asking & { store: Store }, id: RecordId) {
    this.#clock = clock
    this.#watch = store.watch?.bind(store)
    this.#id = id
    this.#pollMs = this.#watch ? LAST_POLL_MS : FIRST_POLL_MS
  }

  /** At most `ms`. */
  async next(ms: number): Promise<void> {
    if (this.#watch && this.#end === undefined) {
      this.#end = this.#watch(this.#id, () => {
        this.#woken = true
        this.#wake()
      })
    }
    if (!this.#woken) {
      await new Promise<void>(resolve => {
        const cancel = this.#clock.after(Math.min(jittered(this.#pollMs), ms), resolve)
        this.#wake = () => {
          cancel()
          resolve()
        }
      })
      this.#pollMs = Math.min(2 * this.#pollMs, LAST_POLL_MS)
    }
    this.#woken = false
  }

  end(): void {
    this.#end?.()
  }
}
