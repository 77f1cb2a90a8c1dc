/** A moment at which a record was to be due; void once it is due at another, or while another of its group is first. */
export interface Turn {
  at: number
  key: string
  group: string | null
}

/** As long as fewer places of arrivals are empty, or fewer than half, they are kept. */
const MOST_EMPTY = 1024

/**
 * Turns in the order of their times. Most are due when they are accepted, so they come in that order and need no more than a
 * list: a heap of a million costs twice what one of a thousand does, for it is looked at in twenty places far apart.
 */
export class Line {
  readonly #arrivals: (Turn | undefined)[] = []
  /** Where the first arrival is. The places before are empty. */
  #next = 0
  readonly #heap: Turn[] = []

  add(turn: Turn, isArrival: boolean): void {
    const last = this.#arrivals.at(-1)
    if (isArrival && (last === undefined || last.at <= turn.at)) this.#arrivals.push(turn)
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
