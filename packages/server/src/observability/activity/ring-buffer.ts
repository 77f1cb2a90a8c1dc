/** The last so many of what there was; to add one costs one step, however many are kept. */
export class Last<T> {
  readonly #most: number
  readonly #kept: T[] = []
  #added = 0

  constructor(most: number) {
    this.#most = most
  }

  /** How many there were, kept or not. */
  get added(): number {
    return this.#added
  }

  add(item: T): void {
    this.#kept[this.#added++ % this.#most] = item
  }

  /** The newest `count`, as far as they are kept, oldest first. */
  newest(count = this.#most): T[] {
    const first = this.#added - Math.min(count, this.#kept.length)
    return Array.from({ length: this.#added - first }, (_, i) => this.#kept[(first + i) % this.#most]!)
  }
}
