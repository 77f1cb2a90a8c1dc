/** Entries added before the map is copied: fewer than between two scavenges. */
const COPIED_AFTER = 256

/**
 * A map whose entries live for one request.
 *
 * When a `Map` grows, V8 keeps the full table, with a pointer to the next one. A table that survives two scavenges is
 * in the old space, and keeps all later tables and their entries until the next major collection. With two such maps,
 * garbage collection takes 4.3 µs a delivery instead of 1.8.
 */
export class ShortLivedMap<Key, Value> {
  #map = new Map<Key, Value>()
  #added = 0

  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  set(key: Key, value: Value): void {
    if (++this.#added > COPIED_AFTER + this.#map.size) {
      this.#map = new Map(this.#map)
      this.#added = 0
    }
    this.#map.set(key, value)
  }

  delete(key: Key): boolean {
    return this.#map.delete(key)
  }

  get size(): number {
    return this.#map.size
  }

  /** Do not add entries while iterating: a copy of the map is not iterated. */
  values(): MapIterator<Value> {
    return this.#map.values()
  }
}
