/** The time of the engine and the memory store. Tests inject their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds of a monotonic clock. It also counts while the process is stopped. */
  monotonic(): number
  /** Calls `callback` once after `ms`. Returns a function that cancels it. */
  after(ms: number, callback: () => void): () => void
  /** As `after`, without keeping the process alive. Default: {@link after}. */
  afterInBackground?(ms: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  // Looked up each time: fake timers replace it.
  now: () => Date.now(),
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
