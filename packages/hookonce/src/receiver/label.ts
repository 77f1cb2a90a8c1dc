import type { Delivery } from '../http/delivery.js'
import type { Sender } from '../senders/sender.js'
import { MAX_KEY_BYTES } from '../stores/store.js'

/** Letters, marks, digits, signs and spaces: nothing that is invisible or moves what is around it. */
const VISIBLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u

/**
 * What a record is searched by besides its key; `null`: there is nothing, it says what the key says, or it is nothing to be
 * shown: longer than {@link MAX_KEY_BYTES} bytes, blank, or with invisible characters in it.
 */
export function labelOf(sender: Sender | undefined, delivery: Delivery, key: string | null): string | null {
  const label = sender?.label?.(delivery)
  if (label === undefined || label === null || label === key) return null
  const isShowable = VISIBLE.test(label) && label.trim() !== '' && Buffer.byteLength(label) <= MAX_KEY_BYTES
  return isShowable ? label : null
}
