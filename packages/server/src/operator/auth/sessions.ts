import { createHmac, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'

export const SESSION_MS = 12 * 3_600_000

/** Beyond it the oldest logout is forgotten, long before its session ends. */
const MAX_CLOSED = 1_000

interface Session {
  id: string
  endsAt: number
}

/**
 * Sessions as signed text: `<end>.<id>.<signature>`. The key is derived from the operators' token, so that each process with
 * that token accepts them, and none does once it is another. Times are milliseconds since the epoch.
 */
export class Sessions {
  readonly #key: Buffer
  /** The ids that logged out here: other processes, and this one after a restart, do not know of them. */
  readonly #closed = new Set<string>()

  constructor(token: string) {
    // Slow on purpose, once a start: who has a session could try tokens against its signature.
    this.#key = scryptSync(token, 'hookonce operator session', 32)
  }

  open(now: number): string {
    const claims = `${(now + SESSION_MS).toString(36)}.${randomBytes(16).toString('base64url')}`
    return `${claims}.${this.#sign(claims).toString('base64url')}`
  }

  has(session: string, now: number): boolean {
    const known = this.#verified(session)
    return known !== undefined && now < known.endsAt && !this.#closed.has(known.id)
  }

  close(session: string): void {
    const known = this.#verified(session)
    if (known === undefined) return
    if (this.#closed.size >= MAX_CLOSED) this.#closed.delete(this.#closed.keys().next().value!)
    this.#closed.add(known.id)
  }

  /** `undefined`: it was not signed with this token. */
  #verified(session: string): Session | undefined {
    const [end = '', id = '', signature = ''] = session.split('.')
    const given = Buffer.from(signature, 'base64url')
    const expected = this.#sign(`${end}.${id}`)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    return { id, endsAt: Number.parseInt(end, 36) }
  }

  #sign(claims: string): Buffer {
    return createHmac('sha256', this.#key).update(claims).digest()
  }
}
