import { type Backlog, MOST_COUNTED } from '../inbox-store.js'
import type { RecordId } from '../store.js'
import type { Entry } from './entry.js'
import { Line, type Turn } from './line.js'

/**
 * The accepted records that are still to be attempted, by scope, in the order of when they are due. Of each group only the
 * first counts.
 */
export class Queue {
  readonly #lines = new Map<string, Line>()
  readonly #groups = new Map<string, Entry[]>()
  readonly #dueAt: (id: RecordId) => number | undefined

  /** `dueAt`: when a record is to be attempted, if it is. */
  constructor(dueAt: (id: RecordId) => number | undefined) {
    this.#dueAt = dueAt
  }

  /** The entry is due at another time than before, or for the first time. */
  schedule(entry: Entry, dueAt: number): void {
    entry.accepted!.dueAt = dueAt
    const name = groupName(entry.scope, entry.accepted!.group)
    if (name !== undefined) this.#join(name, entry)
    this.#push(entry, dueAt)
  }

  /** Nothing is to come of the entry any more. */
  remove(entry: Entry): void {
    entry.accepted!.dueAt = null
    const name = groupName(entry.scope, entry.accepted!.group)
    const group = name === undefined ? undefined : this.#groups.get(name)
    if (group === undefined) return
    const wasFirst = group[0] === entry
    const at = group.indexOf(entry)
    if (at >= 0) group.splice(at, 1)
    if (group.length === 0) this.#groups.delete(name!)
    else if (wasFirst) this.#push(group[0]!, group[0]!.accepted!.dueAt!)
  }

  /** Takes the key out that has been due longest, if one is due. */
  next(scope: string, at: number): string | undefined {
    const line = this.#lines.get(scope)
    const first = line && this.#first(scope, line)
    if (first === undefined || first.at > at) return undefined
    line!.shift()
    return first.key
  }

  /** Of the records in line; some more than once. */
  *keys(scope: string): Iterable<string> {
    for (const { key } of this.#lines.get(scope)?.turns() ?? []) yield key
  }

  backlog(scope: string, at: number): Backlog {
    const line = this.#lines.get(scope)
    if (line === undefined) return { inLine: 0, overdueMs: 0 }
    const overdueMs = Math.max(0, at - (this.#first(scope, line)?.at ?? at))
    // A record may have several turns for one moment.
    const inLine = new Set<string>()
    for (const turn of line.turns()) {
      if (inLine.size === MOST_COUNTED) break
      if (this.#holds(scope, turn)) inLine.add(turn.key)
    }
    return { inLine: inLine.size, overdueMs }
  }

  #first(scope: string, line: Line): Turn | undefined {
    let first = line.first()
    while (first !== undefined && !this.#holds(scope, first)) {
      line.shift()
      first = line.first()
    }
    return first
  }

  #holds(scope: string, { at, key, group }: Turn): boolean {
    if (this.#dueAt({ scope, key }) !== at) return false
    const name = groupName(scope, group)
    return name === undefined || this.#groups.get(name)?.[0]?.key === key
  }

  #push({ scope, key, createdAt, accepted }: Entry, at: number): void {
    let line = this.#lines.get(scope)
    if (line === undefined) {
      line = new Line()
      this.#lines.set(scope, line)
    }
    line.add({ at, key, group: accepted!.group }, at === createdAt)
  }

  /** In the order of acceptance. */
  #join(name: string, entry: Entry): void {
    const group = this.#groups.get(name)
    if (group === undefined) {
      this.#groups.set(name, [entry])
      return
    }
    if (group.includes(entry)) return
    let at = group.length
    while (at > 0 && group[at - 1]!.ordinal > entry.ordinal) at--
    group.splice(at, 0, entry)
  }
}

const groupName = (scope: string, group: string | null): string | undefined =>
  group === null ? undefined : `${scope.length}:${scope}${group}`
