import { type Bugs, bugsIn, inLibrary } from '../bug.js'

const tests = (...names: string[]) => inLibrary(...names.map(name => `engine/${name}`))
const bug = bugsIn('packages/hookonce/src', ...inLibrary('engine/simulation'))

export const engineBugs: Bugs = [
  bug(
    'a lease is renewed when it is over',
    'engine/leased-attempt.ts',
    'limits.start(request.leaseMs / 3, () => void this.#tick(), now)',
    'limits.start(request.leaseMs, () => void this.#tick(), now)',
    ...tests('attempt'),
  ),
  bug(
    'the holder counts its lease from the answer to its claim',
    'engine/claim.ts',
    "done(late ? 'late' : { outcome, sentAt })",
    "done(late ? 'late' : { outcome, sentAt: clock.monotonic() })",
    ...tests('attempt'),
  ),
  bug(
    'the holder counts its lease from the answer to a renewal',
    'engine/leased-attempt.ts',
    'this.#deadline = Math.min(sentAt + ',
    'this.#deadline = Math.min(clock.monotonic() + ',
    ...tests('attempt'),
  ),
  bug(
    'what was renewed once is taken to be held until its lock TTL',
    'engine/leased-attempt.ts',
    'this.#deadline = Math.min(sentAt + ',
    'this.#deadline = Math.max(sentAt + ',
    ...tests('attempt'),
  ),
  bug(
    'the lock TTL does not end an attempt',
    'engine/leased-attempt.ts',
    'this.#lockDeadline = claimed.sentAt + request.lockTtlMs',
    'this.#lockDeadline = claimed.sentAt + 10 * request.lockTtlMs',
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
    'if (clock.monotonic() + delay >= giveUpAt) return undefined',
    'if (clock.monotonic() + delay > 0) return undefined',
    ...tests('result'),
  ),
  bug(
    'a claim without an answer is asked again under another lease id',
    'engine/claim.ts',
    "else ask(context, 'claim', question, answered, failedAgain)",
    "else ask(context, 'claim', () => store.claim({ ...request, leaseId: requestId ?? 'another' }), answered, failedAgain)",
    ...tests('claim'),
  ),
  bug(
    'a claim that had no answer is not released',
    'engine/claim.ts',
    "void release(context, request)\n    done('unavailable')",
    "done('unavailable')",
    ...tests('claim'),
  ),
  bug(
    'a claim whose lease is over when it is answered is run',
    'engine/claim.ts',
    "const late = outcome.status === 'acquired' && (at ?? clock.monotonic()) >= sentAt + request.leaseMs",
    'const late = false && at',
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
    'engine/single-flight.ts',
    'if (!this.#context.admit()) {',
    'if (!this.#context.admit() && this.#waiters.size < 0) {',
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
