import assert from 'node:assert/strict'
import { type Delivered, type History, type KeyHistory, STORE_TIMEOUT_MS, TIMING } from './simulation.js'

/** The longest anyone may be kept: a claim asked twice, a wait, an attempt to its lock TTL, one more wait. */
const ANSWER_WITHIN_MS = 4 * STORE_TIMEOUT_MS + 2 * TIMING.waitMs + TIMING.lockTtlMs + TIMING.leaseMs + 1_000

/** Asserts what Hookonce promises of every history, whatever the faults. */
export function checkHistory(history: History): void {
  for (const [key, keyHistory] of history.keys) {
    oneResult(key, keyHistory)
    oneRunAtATime(key, keyHistory)
    tokensRise(key, keyHistory)
    runsAreExplained(key, keyHistory)
    everybodyAnswered(key, keyHistory)
    healed(key, keyHistory)
  }
}

const resultOf = ({ outcome }: Delivered): string | undefined =>
  outcome?.kind === 'executed'
    ? outcome.value
    : outcome?.kind === 'replayed'
      ? Buffer.from(outcome.result).toString()
      : undefined

function oneResult(key: string, { deliveries, runs }: KeyHistory): void {
  const results = new Set(deliveries.map(resultOf).filter(result => result !== undefined))
  assert.ok(results.size <= 1, `${key} has ${results.size} results: ${[...results].join(', ')}`)
  for (const result of results)
    assert.ok(
      runs.some(run => run.result === result),
      `${key}: nobody made ${result}`,
    )
}

function oneRunAtATime(key: string, { runs }: KeyHistory): void {
  for (const [index, run] of runs.entries()) {
    for (const later of runs.slice(index + 1)) {
      assert.ok(
        run.overAt !== undefined && run.overAt <= later.startedAt,
        `${key}: attempt ${later.attempt} started at ${later.startedAt} while attempt ${run.attempt} was running`,
      )
    }
  }
}

function tokensRise(key: string, { runs }: KeyHistory): void {
  for (const [index, run] of runs.entries()) {
    const previous = runs[index - 1]
    if (previous === undefined) continue
    assert.ok(run.token > previous.token, `${key}: token ${run.token} after ${previous.token}`)
    assert.ok(run.attempt > previous.attempt, `${key}: attempt ${run.attempt} after ${previous.attempt}`)
  }
}

function runsAreExplained(key: string, { runs, faults }: KeyHistory): void {
  assert.ok(runs.length <= 1 + faults, `${key} ran ${runs.length} times with ${faults} faults`)
}

function everybodyAnswered(key: string, { deliveries }: KeyHistory): void {
  for (const { outcome, answeredAt, deliveredAt, process } of deliveries) {
    if (outcome === undefined) continue
    const took = answeredAt! - deliveredAt
    assert.ok(took <= ANSWER_WITHIN_MS + 3_000, `${key}: process ${process} answered ${outcome.kind} after ${took} ms`)
  }
}

function healed(key: string, { deliveries }: KeyHistory): void {
  const last = deliveries.at(-1)
  assert.ok(resultOf(last!) !== undefined, `${key}: after healing the answer is ${last?.outcome?.kind ?? 'missing'}`)
}
