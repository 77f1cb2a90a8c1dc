import { type Bugs, bugsIn, inLibrary } from '../bug.js'

const tests = (...names: string[]) => inLibrary(...names.map(name => `engine/${name}`))
const bug = bugsIn('packages/hookonce/src', ...inLibrary('engine/simulation'))

export const engineBugs: Bugs = [
  bug(
    'a lease is renewed when it is over',
    'engine/lease-renewal.ts',
    'limits.start(leaseMs / 3, () => void this.#renew(), now)',
    'limits.start(leaseMs, () => void this.#renew(), now)',
    ...tests('attempt'),
  ),
  bug(
    'the holder counts its lease from the answer to its claim',
    'engine/claim.ts',
    'const renewedAt = claimedAt\n',
    'const renewedAt = clock.monotonic()\n',
    ...tests('attempt'),
  ),
  bug(
    'the holder counts its lease from the answer to a renewal',
    'engine/lease-renewal.ts',
    'this.#deadline = this.#deadlineFrom(sentAt)',
    'this.#deadline = this.#deadlineFrom(clock.monotonic())',
    ...tests('attempt'),
  ),
  bug(
    'what was renewed once is taken to be held until its lock TTL',
    'engine/lease-renewal.ts',
    'this.#deadline = this.#deadlineFrom(sentAt)',
    'this.#deadline = this.lockDeadline',
    ...tests('attempt'),
  ),
  bug(
    'the lock TTL does not end an attempt',
    'engine/lease-renewal.ts',
    'this.lockDeadline = lease.claimedAt + lease.lockTtlMs',
    'this.lockDeadline = lease.claimedAt + 10 * lease.lockTtlMs',
    ...tests('attempt'),
  ),
  bug(
    'a result that the store refused is answered',
    'engine/leased-attempt.ts',
    "end = { end: outcome === undefined ? 'unreachable' : 'fenced' }",
    "end = { end: 'recorded', value, result, completedAt: 0 }",
    ...tests('result'),
  ),
  bug(
    'a result is not offered again',
    'engine/store-call.ts',
    'if (isOver?.() || clock.monotonic() + pauseMs >= giveUpAt)',
    'if (isOver?.() || clock.monotonic() + pauseMs > 0)',
    ...tests('result'),
  ),
  bug(
    'a claim without an answer is asked again under another lease id',
    'engine/claim.ts',
    '() => store.claim(request), {',
    "again => store.claim(again ? { ...request, leaseId: 'another' } : request), {",
    ...tests('claim'),
  ),
  bug(
    'a claim that had no answer is not released',
    'engine/claim.ts',
    'if (!nothingWritten) void release(context, request)',
    'if (nothingWritten) void release(context, request)',
    ...tests('claim'),
  ),
  bug(
    'a claim whose lease is over when it is answered is run',
    'engine/claim.ts',
    'if (clock.monotonic() < claimedAt + leaseMs) {',
    'if (clock.monotonic() < Number.POSITIVE_INFINITY) {',
  ),
  bug(
    'who watched an attempt that failed runs another',
    'engine/single-flight.ts',
    "return { kind: 'attempt_failed' }",
    "return 'free'",
    ...tests('single-flight'),
  ),
  bug(
    'any number of duplicates may wait',
    'engine/waiting-room.ts',
    'if (this.#waiting >= this.#most) return false',
    'if (this.#waiting > 2 * this.#most) return false',
    ...tests('single-flight'),
  ),
  bug(
    'a commit records what is not recordable',
    'engine/commit.ts',
    'if (settlement.result === undefined) throw new NotRecordable()\n    return settlement.result',
    'return settlement.result ?? new Uint8Array()',
    ...tests('commit'),
  ),
]
