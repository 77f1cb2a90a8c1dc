import type { Backlog } from '../inbox-store.js'
import type { MemoryRecord } from './record.js'
import { countBefore } from './records.js'
import { TimeQueue } from './time-queue.js'

/** A scope's accepted records that are still to be attempted. */
interface Line {
  /** Of each group only the first record has a turn. */
  readonly turns: TimeQueue<MemoryRecord>
  /** Members in the order of acceptance. */
  readonly groups: Map<string, MemoryRecord[]>
}

/** Accepted records by the time when they are due. */
export class DueQueue {
  readonly #lines = new Map<string, Line>()

  /** Follows the record's `dueAt`. */
  update(record: MemoryRecord): void {
    const { turns, groups } = this.#lineOf(record.scope)
    const { dueAt, group } = record.accepted!
    if (group === null) {
      record.dueTurn = turns.move(record.dueTurn, dueAt, record)
      return
    }
    const members = groups.get(group) ?? []
    const firstBefore = members[0]
    const index = countBefore(members, record.ordinal)
    const isMember = members[index] === record
    if (isMember && dueAt === null) members.splice(index, 1)
    if (!isMember && dueAt !== null) members.splice(index, 0, record)
    const first = members[0]
    if (first === undefined) groups.delete(group)
    else groups.set(group, members)
    for (const each of [firstBefore, record, first]) {
      if (each !== undefined)
        each.dueTurn = turns.move(each.dueTurn, each === first ? each.accepted!.dueAt : null, each)
    }
  }

  /** The record that has been due longest, if one is due. */
  first(scope: string, now: number): MemoryRecord | undefined {
    const turn = this.#lineOf(scope).turns.first()
    return turn !== undefined && turn.at <= now ? turn.item : undefined
  }

  /** All records that are still to be attempted, in no order. */
  *records(scope: string): Iterable<MemoryRecord> {
    const { turns, groups } = this.#lineOf(scope)
    yield* turns.items()
    for (const members of groups.values()) yield* members.slice(1)
  }

  backlog(scope: string, now: number): Omit<Backlog, 'dead'> {
    const { turns } = this.#lineOf(scope)
    const dueAt = turns.first()?.at ?? now
    return { inLine: turns.size, overdueMs: Math.max(0, now - dueAt) }
  }

  #lineOf(scope: string): Line {
    let line = this.#lines.get(scope)
    if (line === undefined) {
      line = { turns: new TimeQueue(), groups: new Map() }
      this.#lines.set(scope, line)
    }
    return line
  }
}
