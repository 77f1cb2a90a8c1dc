import assert from 'node:assert/strict'
import type { HttpResponse } from '../../support/http.js'
import type { Call } from './upstream.js'

/** One delivery as its sender saw it; without an answer nobody knows what became of it. */
export interface Delivered {
  key: string
  /** The path that names the server process, as in {@link Call}. */
  path: string
  sentAt: number
  /** When the answer was there or the connection was lost. */
  endedAt: number | undefined
  answer: HttpResponse | undefined
}

export interface History {
  calls: readonly Call[]
  deliveries: readonly Delivered[]
  /** When which server process was killed. */
  kills: ReadonlyMap<string, number>
}

/**
 * Asserts what at-least-once with one recorded result means: no call but the first without a kill that explains it.
 * Gives back the result of every acknowledged key.
 */
export function checkLedger({ calls, deliveries, kills }: History): Map<string, Buffer> {
  const results = new Map<string, Buffer>()
  const callsByKey = groupByKey(calls)
  const deliveriesByKey = groupByKey(deliveries)
  for (const key of callsByKey.keys()) assert.ok(deliveriesByKey.has(key), `${key} was never sent`)
  for (const [key, delivered] of deliveriesByKey) {
    const called = callsByKey.get(key) ?? []
    const result = resultOf(key, delivered, called)
    if (result) results.set(key, result)
    callsAreExplained(key, called, delivered, kills)
    for (const [index, call] of called.entries()) {
      const next = called[index + 1]
      if (next) follows(key, call, next, kills.get(call.path) ?? Number.POSITIVE_INFINITY)
    }
  }
  return results
}

function groupByKey<T extends { key: string }>(entries: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const entry of entries) {
    const group = groups.get(entry.key)
    if (group) group.push(entry)
    else groups.set(entry.key, [entry])
  }
  return groups
}

function resultOf(key: string, deliveries: Delivered[], calls: Call[]): Buffer | undefined {
  let result: Buffer | undefined
  for (const { answer } of deliveries) {
    if (answer?.status !== 200) continue
    result ??= answer.body
    assert.ok(answer.body.equals(result), `${key} has two results`)
  }
  if (result)
    assert.ok(
      calls.some(call => call.answered && call.result.equals(result)),
      `${key}: nobody made its result`,
    )
  return result
}

function callsAreExplained(key: string, calls: Call[], deliveries: Delivered[], kills: History['kills']): void {
  const hits = new Set<string>()
  for (const { path, sentAt, endedAt = Number.POSITIVE_INFINITY } of deliveries) {
    const killedAt = kills.get(path)
    if (killedAt !== undefined && sentAt < killedAt && killedAt <= endedAt) hits.add(path)
  }
  assert.ok(calls.length <= 1 + hits.size, `${key} was called ${calls.length} times with ${hits.size} kills`)
}

function follows(key: string, call: Call, next: Call, killedAt: number): void {
  assert.ok(
    killedAt < next.startedAt,
    `${key}: attempt ${next.attempt} without a kill of attempt ${call.attempt}'s process`,
  )
  assert.ok(next.attempt > call.attempt, `${key}: attempt ${next.attempt} after ${call.attempt}`)
  assert.ok(next.fencingToken > call.fencingToken, `${key}: token ${next.fencingToken} after ${call.fencingToken}`)
  const endedAt = Math.min(call.endedAt ?? Number.POSITIVE_INFINITY, killedAt)
  assert.ok(endedAt <= next.startedAt, `${key}: attempts ${call.attempt} and ${next.attempt} overlap`)
}
