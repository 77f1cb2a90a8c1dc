import { createHash, randomUUID } from 'node:crypto'

/** One run of the handler, as the handler sees it. */
export interface Attempt {
  /** The idempotency key; `null` for a delivery that came without one and is not deduplicated. */
  readonly key: string | null
  /** 1 for the first run of this key, 2 after a failure or a crash, … */
  readonly number: number
  /** A decimal integer that rises from attempt to attempt; lets a downstream system refuse a stale writer. */
  readonly fencingToken: string
  /** Aborts when the attempt lost its lease or reached the lock TTL: stop, the result may be refused. */
  readonly signal: AbortSignal
  /** A key for a downstream call (43 characters), the same in every attempt and different for every `name`. */
  keyFor(name: string): string
}

/** An attempt together with the right to abort it. */
export class AbortableAttempt implements Attempt {
  readonly #scope: string
  readonly #derivationKey: string
  #controller: AbortController | undefined
  #abortReason: Error | undefined

  constructor(
    scope: string,
    readonly key: string | null,
    readonly number: number,
    readonly fencingToken: string,
  ) {
    this.#scope = scope
    this.#derivationKey = key ?? randomUUID()
  }

  /** Made when first asked for: most handlers never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  keyFor(name: string): string {
    return digestOf([this.#scope, this.#derivationKey, name])
  }

  abort(reason: Error): void {
    this.#abortReason ??= reason
    this.#controller?.abort(this.#abortReason)
  }
}

/** SHA-256 of the parts, each with its length in front, so that no two lists of parts digest alike. */
function digestOf(parts: string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`)
  return hash.digest('base64url')
}
