/**
 * For the length of a turn the worker leaves the write lock to the caller's thread: it commits one batch after the
 * other under load, and a thread that must not wait for a lock would hardly ever find it free.
 *
 * Shared by both threads: how many turns have ended. A mere flag would not do, for the next turn may begin before the
 * worker has seen the end of this one.
 */
export type Turns = Int32Array<SharedArrayBuffer>

export function createTurns(): Turns {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

/** How many have ended, which names the turn that is next. */
export function nextTurn(turns: Turns): number {
  return Atomics.load(turns, 0)
}

export function endTurn(turns: Turns): void {
  Atomics.add(turns, 0, 1)
  Atomics.notify(turns, 0)
}

/** The worker's side: waits for the end of a turn, and says whether it came within `ms`. */
export function hasEnded(turns: Turns, turn: number, ms: number): boolean {
  return Atomics.wait(turns, 0, turn, ms) !== 'timed-out'
}
