/**
 * The worker commits one batch after the other under load, so a thread that must not wait would rarely find the write
 * lock free. During a handover the worker leaves the lock to the caller's thread.
 *
 * Shared by both threads: how many handovers have ended. A flag is not enough, because the next handover may begin
 * before the worker has seen the end of this one.
 */
export type Handovers = Int32Array<SharedArrayBuffer>

export function createHandovers(): Handovers {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
}

/** The number of the next handover: how many have ended. */
export function nextHandover(handovers: Handovers): number {
  return Atomics.load(handovers, 0)
}

export function endHandover(handovers: Handovers): void {
  Atomics.add(handovers, 0, 1)
  Atomics.notify(handovers, 0)
}

/** The worker's side: waits at most `ms` for the end of a handover. Returns whether it has ended. */
export function hasEnded(handovers: Handovers, handover: number, ms: number): boolean {
  return Atomics.wait(handovers, 0, handover, ms) !== 'timed-out'
}
