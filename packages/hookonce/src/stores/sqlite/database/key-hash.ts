import type { Database } from './driver.js'

export type HashOf = (scope: string, key: string) => number

/**
 * A key's last characters change only the lower bits of its hash, so that numbered keys share a few pages of the index:
 * a claim writes 2.9 KB instead of 6.5.
 */
const LAST_CHARACTERS = 2

/**
 * The index has 47 bits for a scope and key, because a page holds 255 of them, but 69 of the texts. The hash is keyed
 * with a secret of the file, because senders choose their keys and could make many of them collide.
 */
export function createHash(db: Database): HashOf {
  const { hash_key } = db.prepare('SELECT hash_key FROM meta WHERE id = 1').get() as { hash_key: number }
  return keyedHash(hash_key >>> 0, Math.floor(hash_key / 2 ** 32))
}

/** HalfSipHash-1-3 (https://github.com/veorq/SipHash) over UTF-16 code units; the lengths keep pairs apart. */
export function keyedHash(key0: number, key1: number): HashOf {
  let v0 = 0
  let v1 = 0
  let v2 = 0
  let v3 = 0

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

  function absorbText(text: string, start: number, end: number): void {
    for (let at = start; at < end; at += 2) {
      absorb(text.charCodeAt(at) | ((at + 1 < end ? text.charCodeAt(at + 1) : 0) << 16))
    }
    absorb(end - start)
  }

  function digest(): number {
    v2 ^= 0xee
    for (let rounds = 0; rounds < 3; rounds++) round()
    return v1 ^ v3
  }

  return (scope, key) => {
    v0 = key0
    v1 = key1 ^ 0xee
    v2 = 0x6c796765 ^ key0
    v3 = 0x74656462 ^ key1
    const end = Math.max(0, key.length - LAST_CHARACTERS)
    absorbText(scope, 0, scope.length)
    absorbText(key, 0, end)
    const [w0, w1, w2, w3] = [v0, v1, v2, v3]
    const upper = digest() & 0x7fffff
    v0 = w0
    v1 = w1
    v2 = w2
    v3 = w3
    absorbText(key, end, key.length)
    return upper * 2 ** 24 + (digest() & 0xffffff)
  }
}
