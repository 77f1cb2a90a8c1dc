/** Keeps the last items. */
export class RingBuffer<T> {
  readonly #capacity: number
  readonly #kept: T[] = []
  #added = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** The number of all items, kept or not. */
  get added(): number {
    return this.#added
  }

  add(item: T): void {
    this.#kept[this.#added++ % this.#capacity] = item
  }

  /** The newest `count` items that are kept, oldest first. */
  newest(count = this.#capacity): T[] {
    const first = this.#added - Math.min(count, this.#kept.length)
    return Array.from({ length: this.#added - first }, (_, i) => this.#kept[(first + i) % this.#capacity]!)
  }
}
