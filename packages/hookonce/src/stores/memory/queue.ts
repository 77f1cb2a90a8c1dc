import { type Backlog, MOST_COUNTED } from '../../inbox-store.js'
import type { Entry } from './entry.js'
import { Line, type Turn } from './line.js'

/**
 * The accepted records that are still to be attempted, by scope, in the order of when they are due. Of each group only the
 * first counts.
 */
export class Queue {
  readonly #lines = new Map<string, Line>()
  readonly #groups = new Map<string, Entry[]>()

  /** The entry is due at another time than before, or for the first time. */
  schedule(entry: Entry, dueAt: number): void {
    entry.accepted!.dueAt = dueAt
    const group = this.#groupOf(entry)
    if (group !== undefined && !group.includes(entry)) insert(group, entry)
    this.#push(entry, dueAt)
  }

  /** Nothing is to come of the entry any more. */
  remove(entry: Entry): void {
    entry.accepted!.dueAt = null
    const group = this.#groupOf(entry)
    if (group === undefined) return
    const wasFirst = group[0] === entry
    const at = group.indexOf(entry)
    if (at >= 0) group.splice(at, 1)
    if (group.length === 0) this.#groups.delete(groupName(entry)!)
    else if (wasFirst) this.#push(group[0]!, group[0]!.accepted!.dueAt!)
  }

  /** Takes the entry out that has been due longest, if one is due. */
  next(scope: string, at: number): Entry | undefined {
    const line = this.#lines.get(scope)
    const first = this.#first(line)
    if (line === undefined || first === undefined || first.at > at) return undefined
    line.shift()
    return first.entry
  }

  backlog(scope: string, at: number): Backlog {
    const line = this.#lines.get(scope)
    const overdueMs = Math.max(0, at - (this.#first(line)?.at ?? at))
    // An entry may have several turns for one moment.
    const inLine = new Set<Entry>()
    for (const turn of line?.turns() ?? []) {
      if (inLine.size === MOST_COUNTED) break
      if (this.#holds(turn)) inLine.add(turn.entry)
    }
    return { inLine: inLine.size, overdueMs }
  }

  #first(line: Line | undefined): Turn | undefined {
    let first = line?.first()
    while (first !== undefined && !this.#holds(first)) {
      line!.shift()
      first = line!.first()
    }
    return first
  }

  #holds({ at, entry }: Turn): boolean {
    if (entry.accepted!.dueAt !== at) return false
    const group = this.#groupOf(entry)
    return group === undefined || group[0] === entry
  }

  #push(entry: Entry, at: number): void {
    let line = this.#lines.get(entry.scope)
    if (line === undefined) {
      line = new Line()
      this.#lines.set(entry.scope, line)
    }
    line.add({ at, entry })
  }

  #groupOf(entry: Entry): Entry[] | undefined {
    const name = groupName(entry)
    if (name === undefined) return undefined
    let group = this.#groups.get(name)
    if (group === undefined) {
      group = []
      this.#groups.set(name, group)
    }
    return group
  }
}

const groupName = ({ scope, accepted }: Entry): string | undefined =>
  accepted!.group === null ? undefined : `${scope.length}:${scope}${accepted!.group}`

/** In the order of acceptance. */
function insert(group: Entry[], entry: Entry): void {
  let at = group.length
  while (at > 0 && group[at - 1]!.ordinal > entry.ordinal) at--
  group.splice(at, 0, entry)
}
