import { type Backlog, MOST_COUNTED } from '../../inbox-store.js'
import type { Entry } from './entry.js'

/** A moment at which an entry was to be due; void once it is due at another, or while another of its group is first. */
interface Turn {
  at: number
  entry: Entry
}

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

/** As long as fewer places of arrivals are empty, or fewer than half, they are kept. */
const MOST_EMPTY = 1024

/**
 * Turns in the order of their times. Most are due when they are accepted, so they come in that order and need no more than a
 * list: a heap of a million costs twice what one of a thousand does, for it is looked at in twenty places far apart.
 */
class Line {
  readonly #arrivals: (Turn | undefined)[] = []
  /** Where the first arrival is. The places before are empty. */
  #next = 0
  readonly #heap: Turn[] = []

  add(turn: Turn): void {
    const last = this.#arrivals.at(-1)
    const isArrival = turn.at === turn.entry.createdAt && (last === undefined || last.at <= turn.at)
    if (isArrival) this.#arrivals.push(turn)
    else push(this.#heap, turn)
  }

  first(): Turn | undefined {
    return this.#isArrivalFirst() ? this.#arrivals[this.#next] : this.#heap[0]
  }

  /** Takes the first out. */
  shift(): void {
    if (!this.#isArrivalFirst()) {
      pop(this.#heap)
      return
    }
    this.#arrivals[this.#next++] = undefined
    if (this.#next < MOST_EMPTY || this.#next * 2 < this.#arrivals.length) return
    this.#arrivals.splice(0, this.#next)
    this.#next = 0
  }

  /** All of them, in no order. */
  *turns(): Iterable<Turn> {
    yield* this.#heap
    for (let at = this.#next; at < this.#arrivals.length; at++) yield this.#arrivals[at]!
  }

  #isArrivalFirst(): boolean {
    const arrival = this.#arrivals[this.#next]
    const other = this.#heap[0]
    return arrival !== undefined && (other === undefined || arrival.at <= other.at)
  }
}

function push(heap: Turn[], turn: Turn): void {
  let at = heap.length
  heap.push(turn)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap[parent]!.at <= turn.at) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = turn
}

function pop(heap: Turn[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++
    if (heap[child]!.at >= last.at) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}
