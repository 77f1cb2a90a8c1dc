import type { Delivery } from './delivery.js'
import type { Idempotency } from './idempotency.js'
import { digestOf } from './senders/primitives/signing-keys.js'
import type { Sender } from './senders/sender.js'
import type { Timing } from './settings.js'
import { MAX_KEY_BYTES, type RecordId } from './store.js'

/** The same signed content came before, under another key: that is whose attempt and result it gets. */
export class BoundElsewhere extends Error {
  readonly key: string

  constructor(key: string) {
    super('this signed content was delivered before, under another key')
    this.key = key
  }
}

/** The store cannot be asked, or another process is about to tell it. */
export class BindingUnknown extends Error {
  constructor() {
    super('whose signed content this is cannot be known now')
  }
}

/**
 * Makes sure that signed content runs under one key only, where the key is not signed: content belongs to the first key
 * that it came with, for at least as long as that key's record is there. Two questions to the store more, asked when an
 * attempt is about to run; no duplicate pays for it.
 *
 * @throws {BoundElsewhere} it belongs to another key
 * @throws {BindingUnknown}
 */
export async function bind(
  idempotency: Idempotency<unknown>,
  content: NonNullable<Sender['boundContent']>,
  { scope, key }: RecordId,
  delivery: Delivery,
  timing: Timing,
): Promise<void> {
  const outcome = await idempotency.process<string>(
    {
      scope: contentScope(scope),
      key: digestOf(content(delivery)),
      fingerprint: null,
      // A record can last that long: it is kept for its retention after it settled, and so again when it was retried.
      timing: { ...timing, retentionMs: 2 * timing.retentionMs + timing.lockTtlMs },
    },
    async () => ({ value: key, result: Buffer.from(key) }),
  )
  if (outcome.kind === 'executed') return
  if (outcome.kind !== 'replayed') throw new BindingUnknown()
  const owner = Buffer.from(outcome.result).toString()
  if (owner !== key) throw new BoundElsewhere(owner)
}

/** No source is called so: names have no space, and of those named by method and path neither has. */
const SUFFIX = ' content'

function contentScope(scope: string): string {
  const own = scope + SUFFIX
  return own.length <= MAX_KEY_BYTES ? own : digestOf([scope]) + SUFFIX
}

/** Whether what is recorded there is of a receiver's own making, and no delivery's. */
export const isContentScope = (scope: string): boolean => scope.endsWith(SUFFIX)
