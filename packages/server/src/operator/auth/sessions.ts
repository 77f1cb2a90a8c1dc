import { createHash, randomBytes } from 'node:crypto'

export const SESSION_MS = 12 * 3_600_000
const MAX_SESSIONS = 1_000

/** The sessions of this process. A browser keeps a session id, which is worth nothing elsewhere, not the token. */
export class Sessions {
  /** By the digest of the id: the time of a lookup reveals nothing about existing ids. */
  readonly #endsAt = new Map<string, number>()

  /** `now`: milliseconds on a monotonic clock. */
  open(now: number): string {
    if (this.#endsAt.size >= MAX_SESSIONS) this.#endsAt.delete(this.#endsAt.keys().next().value!)
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
