import assert from 'node:assert/strict'
import { type History, type KeyHistory, nameOf, type Run } from './history.js'
import { STORE_TIMEOUT_MS } from './link.js'
import { CLAIM_TAKES_MS, TIMING } from './world.js'

const isInbox = (name: string): boolean => name.startsWith('accepted/') || name.startsWith('committed/')

const recordOf = (name: string, { records }: History) => records.find(record => nameOf(record) === name)

/** At most one result is recorded until it is deleted, redriven or expired. */
function oneResult(name: string, { changes }: KeyHistory): void {
  for (const [index, change] of changes.entries()) {
    const before = changes[index - 1]
    if (before?.what !== 'completed') continue
    if (change.what === 'completed') assert.fail(`${name} has two results: ${before.result}, and then ${change.result}`)
    if (change.what === 'redriven') assert.ok(change.ofCompleted, `${name} was completed, and that redriven unasked`)
  }
}

/** Who is told of a success is told what was recorded before. */
function answersAreRecorded(name: string, { answers, changes }: KeyHistory): void {
  for (const { status, body, answeredAt } of answers) {
    if (status !== 200) continue
    const recorded = changes.some(
      change => change.what === 'completed' && change.result === body && change.at <= answeredAt!,
    )
    assert.ok(recorded, `${name}: "${body}" was answered and not recorded`)
  }
}

/** A deletion, a redrive or a clock that steps forward may have let another in. */
function wasLetIn(earlier: Run, later: Run, { changes }: KeyHistory, { clockSteps }: History): boolean {
  // It was claimed a while before it began.
  const since = earlier.startedAt - TIMING.leaseMs
  const isBetween = ({ at }: { at: number }) => at >= since && at <= later.startedAt
  return (
    changes.some(change => change.what !== 'completed' && isBetween(change)) ||
    clockSteps.some(step => step.ms > 0 && isBetween(step))
  )
}

/** The same attempt is never run by two, and fencing tokens rise. */
function oneRunAtATime(name: string, key: KeyHistory, history: History): void {
  for (const [index, run] of key.runs.entries()) {
    for (const later of key.runs.slice(index + 1)) {
      if (wasLetIn(run, later, key, history)) continue
      const isOver = run.overAt !== undefined && run.overAt <= later.startedAt
      assert.ok(isOver, `${name}: attempt ${later.attempt} began while attempt ${run.attempt} ran`)
      assert.ok(later.token > run.token, `${name}: token ${later.token} after ${run.token}`)
    }
  }
}

/** A process that has a result in hand, and offers it, does not run its key again. */
function heldResultsAreNotRunAgain(name: string, { runs, changes }: KeyHistory): void {
  for (const [index, run] of runs.entries()) {
    if (run.result === undefined) continue
    const { since, heldUntil } = run.result
    const again = runs
      .slice(index + 1)
      .find(
        ({ process, startedAt }) =>
          process === run.process && startedAt - CLAIM_TAKES_MS >= since && startedAt < heldUntil,
      )
    if (again === undefined) continue
    const isReset = changes.some(({ what, at }) => what !== 'completed' && at >= run.startedAt && at <= again.startedAt)
    assert.ok(isReset, `${name}: attempt ${again.attempt} began in a process that held the result of ${run.attempt}`)
  }
}

/** An effect stands if and only if its result does. */
function effectsStandWithResults(name: string, { effects, changes }: KeyHistory): void {
  if (!name.startsWith('committed/')) return
  const results = changes.flatMap(change => (change.what === 'completed' ? [change.result] : []))
  assert.deepEqual(effects, results, `${name}: effects and results`)
}

/** A claim asked twice, a wait, an attempt to its lock TTL, one more wait, and a process that is stopped meanwhile. */
const ANSWER_WITHIN_MS = 4 * STORE_TIMEOUT_MS + 2 * TIMING.waitMs + TIMING.lockTtlMs + TIMING.leaseMs + 6_000

function everybodyIsAnswered(name: string, { answers }: KeyHistory): void {
  for (const { process, askedAt, answeredAt, status } of answers) {
    if (answeredAt === undefined) assert.ok(process.dead, `${name}: a delivery at ${askedAt} was never answered`)
    else assert.ok(answeredAt - askedAt <= ANSWER_WITHIN_MS, `${name}: ${status} after ${answeredAt - askedAt} ms`)
  }
}

/** What was acknowledged is there until it is deleted. */
function acceptedIsKept(name: string, { answers, changes }: KeyHistory, history: History): void {
  if (!isInbox(name)) return
  const lastDeletedAt = changes.findLast(({ what }) => what === 'deleted')?.at ?? Number.NEGATIVE_INFINITY
  const kept = answers.some(
    ({ status, askedAt, answeredAt }) => status === 202 && askedAt > lastDeletedAt && answeredAt! <= history.healedAt,
  )
  if (kept) assert.ok(recordOf(name, history), `${name} was acknowledged, and is gone`)
}

/** Nothing is set aside that no handler has seen. */
function deadWasRun(name: string, { runs, changes }: KeyHistory, history: History): void {
  const record = recordOf(name, history)
  if (record?.state !== 'dead') return
  const lastDeletedAt = changes.findLast(({ what }) => what === 'deleted')?.at ?? Number.NEGATIVE_INFINITY
  const { earlierAttempts } = record.accepted!
  const ran = runs.some(({ startedAt, attempt }) => startedAt > lastDeletedAt && attempt > earlierAttempts)
  assert.ok(ran, `${name} died without a run: ${record.lastError}`)
}

/** Once there is peace everything comes to its end, and whoever asks gets the result. */
function allIsSettled(name: string, { answers }: KeyHistory, history: History): void {
  const record = recordOf(name, history)
  if (isInbox(name) && record !== undefined) {
    assert.ok(record.state === 'completed' || record.state === 'dead', `${name} is ${record.state} after all`)
  }
  const { status } = answers.at(-1)!
  // Whose processes died again and again is not run any more.
  const expected = isInbox(name) ? [202] : record && record.losses > 0 ? [200, 500] : [200]
  assert.ok(status !== undefined && expected.includes(status), `${name}: after healing the answer is ${status}`)
}

type Rule = (name: string, key: KeyHistory, history: History) => void

/** What Hookonce promises of every history, whatever happened in it. */
const RULES = {
  oneResult,
  answersAreRecorded,
  oneRunAtATime,
  heldResultsAreNotRunAgain,
  effectsStandWithResults,
  everybodyIsAnswered,
  acceptedIsKept,
  deadWasRun,
  allIsSettled,
} satisfies Record<string, Rule>

/** @throws {AssertionError} */
export function checkRules(history: History): void {
  for (const rule of Object.values(RULES)) for (const [name, key] of history.keys) rule(name, key, history)
}
