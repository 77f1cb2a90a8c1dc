import type { Database } from './driver.js'

export type HashOf = (scope: string, key: string) => number

/**
 * 48 bits that stand for a scope and key in the index: SQLite keeps 255 of them on a page, and 69 of the texts. Keyed with a
 * secret of the file, for senders choose their keys, and who knew the function could make many that share a place.
 */
export function createHash(db: Database): HashOf {
  const { hash_key } = db.prepare('SELECT hash_key FROM meta WHERE id = 1').get() as { hash_key: number }
  return keyedHash(hash_key >>> 0, Math.floor(hash_key / 2 ** 32))
}

/** HalfSipHash-1-3 (https://github.com/veorq/SipHash) over UTF-16 code units; the length keeps pairs apart. */
export function keyedHash(key0: number, key1: number): HashOf {
  return (scope, key) => {
    let v0 = key0
    let v1 = key1 ^ 0xee
    let v2 = 0x6c796765 ^ key0
    let v3 = 0x74656462 ^ key1

    function round(): void {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }

    function absorb(word: number): void {
      v3 ^= word
      round()
      v0 ^= word
    }

    for (const text of [scope, key]) {
      for (let at = 0; at < text.length; at += 2) {
        absorb(text.charCodeAt(at) | ((at + 1 < text.length ? text.charCodeAt(at + 1) : 0) << 16))
      }
      absorb(text.length)
    }
    v2 ^= 0xee
    for (let rounds = 0; rounds < 3; rounds++) round()
    const low = (v1 ^ v3) >>> 0
    v1 ^= 0xdd
    for (let rounds = 0; rounds < 3; rounds++) round()
    return ((v1 ^ v3) & 0xffff) * 2 ** 32 + low
  }
}
