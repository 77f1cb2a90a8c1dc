import { isInboxStore, type Store } from 'hookonce'

const BACKLOG_EVERY_MS = 5_000
/** A store may count its records for this. */
const STATS_EVERY_MS = 30_000

export interface InboxFigures {
  pending: number
  dead: number | null
  oldest_due_at: string | null
}

/** Asked for while somebody looks, seldom, and never waited for: what is shown is what was known last. */
export class StoreWatch {
  readonly #store: Store
  readonly #inboxes: readonly string[]
  readonly #askedAt = new Map<string, number>()
  readonly inbox = new Map<string, InboxFigures>()
  size: { records?: number; bytes?: number } = {}

  /** @param inboxes the sources that accept deliveries for later */
  constructor(store: Store, inboxes: readonly string[]) {
    this.#store = store
    this.#inboxes = inboxes
  }

  get name(): string {
    return this.#store.name
  }

  look(now: number): void {
    this.#ask('stats', STATS_EVERY_MS, now, async () => {
      this.size = await this.#store.stats()
    })
    const store = this.#store
    if (!isInboxStore(store)) return
    for (const source of this.#inboxes) {
      this.#ask(`backlog ${source}`, BACKLOG_EVERY_MS, now, async () => {
        const { inLine, overdueMs, dead = null } = await store.backlog(source)
        const oldest = overdueMs > 0 ? new Date(Date.now() - overdueMs).toISOString() : null
        this.inbox.set(source, { pending: inLine, dead, oldest_due_at: oldest })
      })
    }
  }

  /** One question of a kind at a time: while it has no answer it is not asked again. */
  #ask(what: string, everyMs: number, now: number, question: () => Promise<void>): void {
    if (now - (this.#askedAt.get(what) ?? Number.NEGATIVE_INFINITY) < everyMs) return
    this.#askedAt.set(what, Number.POSITIVE_INFINITY)
    void question()
      .catch(() => this.inbox.delete(what.slice('backlog '.length)))
      .then(() => this.#askedAt.set(what, performance.now()))
  }
}
