export interface Turn<Item> {
  readonly at: number
  /** Among turns of one time the lowest comes first. */
  readonly number: number
  /** `undefined` once it is cancelled. */
  item: Item | undefined
}

/** Below this a queue with cancelled turns costs less than to rebuild it. */
const MOST_CANCELLED = 32

/** Items by time: a binary heap. A cancelled turn stays until it is first or most turns are cancelled. */
export class TimeQueue<Item> {
  #heap: Turn<Item>[] = []
  #cancelled = 0
  #lastNumber = 0

  get size(): number {
    return this.#heap.length - this.#cancelled
  }

  /** The item's new turn in place of its last one; none where there is no time. */
  move(turn: Turn<Item> | undefined, at: number | null, item: Item): Turn<Item> | undefined {
    if (turn?.at === at) return turn
    if (turn !== undefined) this.#cancel(turn)
    if (at === null) return undefined
    const next = { at, number: ++this.#lastNumber, item }
    push(this.#heap, next)
    return next
  }

  first(): Turn<Item> | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].item === undefined) {
      pop(this.#heap)
      this.#cancelled--
    }
    return this.#heap[0]
  }

  /** All items, in no order. */
  *items(): Iterable<Item> {
    for (const { item } of this.#heap) if (item !== undefined) yield item
  }

  #cancel(turn: Turn<Item>): void {
    turn.item = undefined
    this.#cancelled++
    if (this.#cancelled <= Math.max(MOST_CANCELLED, this.size)) return
    // What is sorted is a heap.
    this.#heap = this.#heap.filter(({ item }) => item !== undefined).sort((a, b) => (isBefore(a, b) ? -1 : 1))
    this.#cancelled = 0
  }
}

const isBefore = (a: Turn<unknown>, b: Turn<unknown>) => a.at < b.at || (a.at === b.at && a.number < b.number)

function push<Item>(heap: Turn<Item>[], turn: Turn<Item>): void {
  let at = heap.length
  heap.push(turn)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (isBefore(heap[parent]!, turn)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = turn
}

function pop<Item>(heap: Turn<Item>[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (isBefore(last, heap[child]!)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}
