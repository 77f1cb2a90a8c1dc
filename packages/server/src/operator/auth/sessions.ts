import { createHash, randomBytes } from 'node:crypto'

export const SESSION_MS = 12 * 3_600_000
const MOST_SESSIONS = 1_000

/** Who logged in, in this process: a browser keeps an id that is worth nothing elsewhere, not the token. */
export class Sessions {
  /** By the digest of the id, so that how long a look-up takes says nothing of one that is there. */
  readonly #endsAt = new Map<string, number>()

  /** `now` in milliseconds on a clock that never jumps. */
  open(now: number): string {
    if (this.#endsAt.size >= MOST_SESSIONS) this.#endsAt.delete(this.#endsAt.keys().next().value!)
    const id = randomBytes(32).toString('base64url')
    this.#endsAt.set(digest(id), now + SESSION_MS)
    return id
  }

  has(id: string, now: number): boolean {
    return now < (this.#endsAt.get(digest(id)) ?? 0)
  }

  close(id: string): void {
    this.#endsAt.delete(digest(id))
  }
}

function digest(id: string): string {
  return createHash('sha256').update(id).digest('base64')
}
