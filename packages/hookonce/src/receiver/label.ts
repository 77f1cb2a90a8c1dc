import type { Delivery } from '../http/delivery.js'
import type { Sender } from '../senders/sender.js'
import { MAX_KEY_BYTES } from '../stores/store.js'

/** No control, format or unassigned characters, and no line separators. */
const VISIBLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u

/**
 * A record's label, which it can be searched by. `null` if the sender has none, it equals the key, it is longer than
 * {@link MAX_KEY_BYTES} bytes, blank, or has invisible characters.
 */
export function labelOf(sender: Sender | undefined, delivery: Delivery, key: string | null): string | null {
  const label = sender?.label?.(delivery)
  if (label === undefined || label === null || label === key) return null
  const isShowable = VISIBLE.test(label) && label.trim() !== '' && Buffer.byteLength(label) <= MAX_KEY_BYTES
  return isShowable ? label : null
}
