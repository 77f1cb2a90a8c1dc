/** Of all that it is offered, the `limit` with the greatest ordinals. */
export class Newest<Item extends { readonly ordinal: number }> {
  /** Whether something was not kept. */
  more = false
  readonly #limit: number
  #items: Item[] = []
  #above = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether what has this ordinal may still be among them. */
  wants(ordinal: number): boolean {
    if (ordinal > this.#above) return true
    this.more = true
    return false
  }

  offer(item: Item): void {
    this.#items.push(item)
    if (this.#items.length === 2 * this.#limit) this.#cut()
  }

  /** Greatest first. */
  items(): Item[] {
    this.#cut()
    return this.#items
  }

  #cut(): void {
    this.#items.sort((a, b) => b.ordinal - a.ordinal)
    if (this.#items.length <= this.#limit) return
    this.#items.length = this.#limit
    this.#above = this.#items.at(-1)!.ordinal
    this.more = true
  }
}
