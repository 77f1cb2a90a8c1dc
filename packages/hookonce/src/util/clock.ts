/** Where the engine and the memory store get time from; tests put their own in its place. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds on a clock that never jumps; counts on while the process is stopped. */
  monotonic(): number
  /** Calls `callback` once, `ms` from now. Returns what cancels it. */
  after(ms: number, callback: () => void): () => void
  /** The same, except that it does not keep the process alive. Default: {@link after}. */
  afterInBackground?(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
  afterInBackground(ms, callback) {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
}
