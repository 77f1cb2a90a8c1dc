import { type Bugs, bugsIn, inLibrary, inServer } from '../bug.js'

const tests = (...names: string[]) => inLibrary(...names.map(name => `inbox/${name}`))
const bug = bugsIn('packages/hookonce/src', ...tests('worker'))

export const inboxBugs: Bugs = [
  bug(
    'a delivery that was not stored is acknowledged',
    'inbox/source.ts',
    "return problem('store_unavailable', { retryAfterMs: 5_000, outcome: 'unavailable' })",
    'return acknowledgement(key)',
    ...tests('accept'),
  ),
  bug(
    'an acceptance without an answer is asked again as another one',
    'inbox/accept.ts',
    '() => this.#store.accept(request), {',
    '() => this.#store.accept({ ...request, acceptId: randomUUID() }), {',
    ...tests('accept'),
  ),
  bug(
    'attempts of earlier rounds count',
    'inbox/delivery-work.ts',
    'const tries = due.attempt - due.accepted.earlierAttempts',
    'const tries = due.attempt',
    ...tests('retry-schedule'),
  ),
  bug(
    'an attempt more than there are pauses',
    'inbox/retry-schedule.ts',
    'const delay = delaysMs[tries - 1]',
    'const delay = delaysMs[Math.max(0, tries - 2)]',
    ...tests('retry-schedule'),
  ),
  bug(
    'what a handler gives up is tried again',
    'inbox/retry-schedule.ts',
    "'error' in unsettled ? unsettled.error instanceof NonRetriableError :",
    "'error' in unsettled ? false :",
    ...tests('retry-schedule'),
  ),
  bug(
    'the pause that an application asks for is forgotten',
    'inbox/retry-schedule.ts',
    'Math.max(delay * (1 + Math.random() / 5), askedPauseMs(unsettled))',
    'Math.max(delay * (1 + Math.random() / 5), 0)',
    ...tests('retry-schedule'),
  ),
  bug(
    'a breaker takes an answer of 500 for an absent application',
    'inbox/target-state.ts',
    "return end.value.unreachable ? 'absent' : 'there'",
    "return end.value.unreachable || end.value.status >= 500 ? 'absent' : 'there'",
    ...inServer('deliveries/inbox'),
    ...tests('retry-schedule'),
  ),
  bug(
    'a breaker never opens',
    'inbox/circuit-breaker.ts',
    'if (this.#failures < FAILURES) return most',
    'if (this.#failures < 1e9) return most',
    ...tests('retry-schedule'),
    ...inServer('deliveries/inbox'),
  ),
  bug(
    'a breaker probes with many at once',
    'inbox/circuit-breaker.ts',
    'if (this.#probing || this.#clock.monotonic() < this.#openUntil) return 0',
    'if (this.#clock.monotonic() < this.#openUntil) return 0',
    ...tests('retry-schedule'),
    ...inServer('deliveries/inbox'),
  ),
  bug(
    'the room of an attempt is never free again',
    'inbox/delivery-work.ts',
    'settled: () => slots.release(1)',
    'settled: () => {}',
  ),
  bug(
    'a source with a backlog keeps the others waiting',
    'inbox/concurrency.ts',
    'Math.min(most, this.#total - this.#used - ahead)',
    'Math.min(most, this.#total - this.#used - 0 * ahead)',
    ...tests('concurrency'),
  ),
  bug(
    'attempts begin as fast as they can, whatever the rate',
    'inbox/delivery-work.ts',
    'rate?.reserve(bySlots, wake) ?? bySlots',
    'bySlots',
  ),
  bug(
    'an inbox that stops does not wait for what runs',
    'inbox/worker.ts',
    'if (this.#active === 0 && !this.#isClaiming) return\n',
    'if (this.#active === 0 || !this.#isClaiming) return\n',
  ),
  bug(
    'the secrets of a delivery are stored',
    'http/delivery-codec.ts',
    "folded === 'authorization' || folded === 'cookie' || secretHeaders.has(folded)",
    'secretHeaders.has(folded)',
    ...tests('accept'),
  ),
  bug(
    'a large delivery comes back deflated',
    'http/delivery-codec.ts',
    'bytes[1] === 1 ? await inflate(body) : body',
    'bytes[1] === 2 ? await inflate(body) : body',
    ...tests('accept', 'worker'),
  ),
]
