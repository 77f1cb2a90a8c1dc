import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { AttemptOutcome, ClaimRequest, RecordedAttempt, RecordId, Store, StoredRecord } from 'hookonce'
import { listed } from '../support/listed.js'

/** The contract's rules in the plainest form: facts about each record, and a clock that somebody else moves. */

interface Facts extends ClaimRequest {
  label: string | null
  attempts: number
  losses: number
  token: string
  createdAt: number
  claimedAt: number
  leaseEnd: number
  error: string | null
  settled: { as: 'completed' | 'failed'; at: number; result: string | null } | null
  outcome: AttemptOutcome
  /** Of the attempts before. */
  earlier: RecordedAttempt[]
}

export type Command = RecordId & { pause: number } & (
    | ({ does: 'claim' } & Omit<ClaimRequest, keyof RecordId>)
    | { does: 'renew'; leaseId: string; leaseMs: number }
    | { does: 'complete'; leaseId: string; text: string }
    | { does: 'fail'; leaseId: string; text: string; outcome: AttemptOutcome }
    | { does: 'delete'; force: boolean }
    | { does: 'purge' }
  )

class Model {
  now: number
  #records = new Map<string, Facts>()
  #tokens = new Map<string, bigint>()

  constructor(now: number) {
    this.now = now
  }

  /** What the store has to answer. The token of a new attempt is the store's choice, within the rule. */
  answer(command: Command, token: string | undefined): unknown {
    const facts = this.#find(command)
    switch (command.does) {
      case 'claim':
        return this.#claim(command, facts, token)
      case 'renew':
        if (facts === undefined || !this.#live(facts) || facts.leaseId !== command.leaseId) return 'lost'
        facts.leaseEnd = Math.min(this.now + command.leaseMs, facts.claimedAt + facts.lockTtlMs)
        return 'renewed'
      case 'complete': {
        const at = facts && this.#settle(facts, 'completed', command)
        return at === undefined ? { status: 'fenced' } : { status: 'completed', completedAt: at }
      }
      case 'fail':
        return facts && this.#settle(facts, 'failed', command) !== undefined ? 'failed' : 'fenced'
      case 'delete':
        if (facts === undefined) return 'absent'
        if (this.#live(facts) && !command.force) return 'running'
        this.#records.delete(nameOf(command))
        return 'deleted'
      case 'purge':
        return 'not to be noticed'
    }
  }

  record(id: RecordId): StoredRecord | undefined {
    const facts = this.#find(id)
    return (
      facts && {
        scope: id.scope,
        key: id.key,
        state: facts.settled?.as ?? 'running',
        fingerprint: facts.fingerprint,
        label: facts.label,
        attempts: facts.attempts,
        losses: facts.losses,
        leaseId: facts.leaseId,
        fencingToken: facts.token,
        createdAt: facts.createdAt,
        claimedAt: facts.claimedAt,
        leaseEndsAt: facts.leaseEnd,
        leaseRemainingMs: this.#live(facts) ? facts.leaseEnd - this.now : 0,
        settledAt: facts.settled?.at ?? null,
        expiresAt: expiry(facts),
        lastError: facts.error,
        history: [...facts.earlier, this.#attempt(facts)],
        result: facts.settled?.result == null ? null : Buffer.from(facts.settled.result),
      }
    )
  }

  records(scope: string): StoredRecord[] {
    const ids = [...this.#records.values()].filter(facts => facts.scope === scope)
    return ids.flatMap(id => this.record(id) ?? [])
  }

  /** Whether a lease or a retention ends within `ms`. */
  changesWithin(ms: number): boolean {
    const soon = (time: number) => time > this.now && time <= this.now + ms
    return [...this.#records.values()].some(facts => soon(expiry(facts)) || (!facts.settled && soon(facts.leaseEnd)))
  }

  #find(id: RecordId): Facts | undefined {
    const facts = this.#records.get(nameOf(id))
    return facts && expiry(facts) > this.now ? facts : undefined
  }

  #live(facts: Facts): boolean {
    return facts.settled === null && facts.leaseEnd > this.now
  }

  #attempt({ attempts, token, leaseId, claimedAt, settled, outcome }: Facts): RecordedAttempt {
    return {
      ...{ number: attempts, fencingToken: token, process: leaseId, beganAt: claimedAt, outcome },
      tookMs: settled ? settled.at - claimedAt : null,
    }
  }

  #claim(request: ClaimRequest, facts: Facts | undefined, token: string | undefined): unknown {
    let tookOver = false
    if (facts) {
      const { settled, leaseId } = facts
      const fingerprints = new Set([facts.fingerprint, request.fingerprint].filter(known => known !== null))
      if (fingerprints.size === 2) return { status: 'mismatch' }
      if (settled?.as === 'completed') {
        return { status: 'completed', result: Buffer.from(settled.result!), completedAt: settled.at }
      }
      if (!settled && leaseId === request.leaseId) {
        return { status: 'acquired', attempt: facts.attempts, fencingToken: facts.token, tookOver: false }
      }
      if (this.#live(facts)) return { status: 'running', leaseRemainingMs: facts.leaseEnd - this.now }
      const losses = settled ? facts.losses : facts.losses + 1
      if (losses >= request.maxLosses) return { status: 'exhausted', losses }
      if (losses > facts.losses) facts.error = `attempt ${facts.attempts} was lost: its lease ended without a word`
      tookOver = losses > facts.losses
      facts.losses = losses
    }
    if (token === undefined) return { status: 'acquired' }
    const previous = this.#tokens.get(nameOf(request)) ?? 0n
    if (BigInt(token) <= previous) return { status: 'acquired', fencingToken: `more than ${previous}` }
    this.#tokens.set(nameOf(request), BigInt(token))
    const last = facts && this.#attempt(facts)
    const over = tookOver ? { tookMs: this.now - facts!.claimedAt, outcome: 'lost' as const } : {}
    const attempts = (facts?.attempts ?? 0) + 1
    this.#records.set(nameOf(request), {
      ...request,
      fingerprint: facts?.fingerprint ?? request.fingerprint,
      label: facts?.label ?? request.label ?? null,
      attempts,
      losses: facts?.losses ?? 0,
      token,
      createdAt: facts?.createdAt ?? this.now,
      claimedAt: this.now,
      leaseEnd: this.now + Math.min(request.leaseMs, request.lockTtlMs),
      error: facts?.error ?? null,
      settled: null,
      outcome: 'running',
      earlier: last ? [...facts!.earlier, { ...last, ...over }].slice(-9) : [],
    })
    return { status: 'acquired', attempt: attempts, fencingToken: token, tookOver }
  }

  /** When the attempt settled this way, now or before; `undefined` if it may not. */
  #settle(
    facts: Facts,
    as: 'completed' | 'failed',
    by: { leaseId: string; text: string; outcome?: AttemptOutcome },
  ): number | undefined {
    if (facts.leaseId !== by.leaseId) return undefined
    if (facts.settled) return facts.settled.as === as ? facts.settled.at : undefined
    facts.settled = { as, at: this.now, result: as === 'completed' ? by.text : null }
    facts.outcome = by.outcome ?? 'recorded'
    if (as === 'failed') facts.error = by.text
    return this.now
  }
}

const nameOf = ({ scope, key }: RecordId) => JSON.stringify([scope, key])

function expiry({ settled, leaseEnd, lockTtlMs, retentionMs }: Facts): number {
  return settled ? settled.at + retentionMs : leaseEnd + Math.max(lockTtlMs, retentionMs)
}

/** How time passes for a sequence: exactly as told, or on a clock that nobody here can move. */
export interface Time {
  readonly exact: boolean
  now: number
  pass(ms: number, model: Model): Promise<void>
}

export function fakeTime(clock: { time: number }): Time {
  return {
    exact: true,
    now: clock.time,
    async pass(ms) {
      clock.time += ms
      this.now = clock.time
    },
  }
}

const LEAP = 10_000
const HOUR = 3_600_000

/**
 * For durations of 1 ms and an hour only. After each command whatever lasts 1 ms is surely over by the store's own
 * clock, and in the model ten seconds have passed: far more than a few milliseconds, far less than an hour.
 */
export function realTime(store: Store): Time {
  const id = { scope: `time-${crypto.randomUUID()}`, key: 'key' }
  const tick = { ...id, fingerprint: null, leaseMs: 4, lockTtlMs: HOUR, retentionMs: HOUR, maxLosses: 1e9 }
  return {
    exact: false,
    now: 0,
    async pass(_ms, model) {
      if (model.changesWithin(LEAP)) {
        await store.claim({ ...tick, leaseId: crypto.randomUUID() })
        while ((await store.get(id))!.leaseRemainingMs > 0) await delay(1)
      }
      this.now += LEAP
    },
  }
}

export const anyDuration = fc.oneof({ weight: 2, arbitrary: fc.integer({ min: 1, max: 100 }) }, fc.constant(HOUR))
export const instantOrHour = fc.constantFrom(1, HOUR, HOUR)

export function commands(duration: fc.Arbitrary<number>): fc.Arbitrary<Command[]> {
  const leaseId = fc.constantFrom('ann', 'ann', 'ben', 'cleo')
  const base = {
    scope: fc.constantFrom('s', 's', 't'),
    key: fc.constantFrom('k', 'k', 'l'),
    pause: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 })),
  }
  const does = <D extends Command['does']>(what: D) => ({ ...base, does: fc.constant(what) })
  const claim = fc.record({
    ...does('claim'),
    fingerprint: fc.constantFrom(null, null, 'one', 'two'),
    label: fc.constantFrom(null, null, 'red', 'blue'),
    leaseId,
    leaseMs: duration,
    lockTtlMs: duration,
    retentionMs: duration,
    maxLosses: fc.constantFrom(1, 2, 10),
  })
  const text = fc.constantFrom('x', 'y', '')
  const outcome = fc.constantFrom<AttemptOutcome>('threw', 'timeout', 503)
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: claim },
      { weight: 3, arbitrary: fc.record({ ...does('renew'), leaseId, leaseMs: duration }) },
      { weight: 3, arbitrary: fc.record({ ...does('complete'), leaseId, text }) },
      { weight: 3, arbitrary: fc.record({ ...does('fail'), leaseId, text, outcome }) },
      { weight: 1, arbitrary: fc.record({ ...does('delete'), force: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record(does('purge')) },
    ),
    { minLength: 1, maxLength: 40, size: 'max' },
  )
}

function perform(store: Store, command: Command): Promise<unknown> {
  const { scope, key } = command
  const id = { scope, key }
  switch (command.does) {
    case 'claim': {
      const { does: _, pause: __, ...request } = command
      return store.claim(request)
    }
    case 'renew':
      return store.renew(id, command.leaseId, command.leaseMs)
    case 'complete':
      return store.complete(id, command.leaseId, Buffer.from(command.text))
    case 'fail':
      return store.fail(id, command.leaseId, { error: command.text, outcome: command.outcome })
    case 'delete':
      return store.delete(id, { force: command.force })
    case 'purge':
      return store.purge(3).then(() => 'not to be noticed')
  }
}

const times = [
  'beganAt',
  'createdAt',
  'claimedAt',
  'leaseEndsAt',
  'leaseRemainingMs',
  'settledAt',
  'expiresAt',
  'completedAt',
]

/** Results become text; times, where they cannot be foreseen, become whether there is any left. */
function comparable(value: unknown, exact: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(each => comparable(each, exact))
  const entries = Object.entries(value).map(([name, field]) => {
    if (field instanceof Uint8Array) return [name, Buffer.from(field).toString()]
    if (Array.isArray(field)) return [name, comparable(field, exact)]
    // How long it took: less than a millisecond by the store's clock, and in the model ten seconds.
    if (name === 'tookMs') return [name, exact || field === null ? field : 'some time']
    return [name, exact || !times.includes(name) || field === null ? field : field > 0]
  })
  return Object.fromEntries(entries)
}

/** Runs the commands against the store and the model, and asserts that both say the same after each. */
export async function assertAgrees(store: Store, sequence: Command[], time: Time): Promise<void> {
  const model = new Model(time.now)
  const run = crypto.randomUUID()
  const own = (scope: string) => `${scope}-${run}`
  const same = (actual: unknown, expected: unknown) =>
    assert.deepEqual(comparable(actual, time.exact), comparable(expected, time.exact))
  const pass = async (ms: number) => {
    await time.pass(ms, model)
    model.now = time.now
  }

  for (const generated of sequence) {
    const command = { ...generated, scope: own(generated.scope) }
    await pass(command.pause)
    const actual = await perform(store, command)
    const { fencingToken } = actual as { fencingToken?: string }
    same(actual, model.answer(command, fencingToken))
    await pass(0)
    same(await store.get(command), model.record(command))
  }
  for (const scope of [own('s'), own('t')]) {
    const records = await listed(store, { scope })
    const expected = model.records(scope)
    assert.equal(records.length, expected.length)
    for (const { result: _, history: __, ...summary } of expected) {
      same(
        records.find(record => record.key === summary.key),
        summary,
      )
    }
    for (const label of ['red', 'blue']) {
      const labelled = await listed(store, { scope, label })
      const keys = expected.filter(record => record.label === label).map(({ key }) => key)
      assert.deepEqual(labelled.map(({ key }) => key).sort(), keys.sort())
    }
  }
}
