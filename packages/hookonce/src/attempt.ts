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
  /** A key for a downstream call, the same in every attempt and different for every `name`. */
  keyFor(name: string): string
}
