import type { Context, Span, SpanContext } from '@opentelemetry/api'
import { decodeDelivery, type InboxStore, type RecordId, type Store, StoreError } from 'hookonce'
import { type Api, contextOf } from './trace-context.js'

/** A sampled delivery, or an attempt of an accepted one. */
export interface TracedRun {
  readonly source: string
  readonly span: Span
  readonly context: Context
  /** Of its first call to the store. */
  key?: string
  /** Of a duplicate of an accepted delivery: the span that accepted it. */
  first?: Promise<SpanContext | undefined>
}

/** An attempt's span ends when its handler has answered and the store knows. */
interface OpenAttempt extends TracedRun {
  isAnswered?: boolean
  isWritten?: boolean
}

/** Names by OpenTelemetry's conventions, where they differ. */
const SYSTEMS: Record<string, string> = { postgres: 'postgresql' }

const IN_PROCESS = new Set(['memory', 'sqlite'])

/** So many duplicates' first spans are looked up at a time; further ones get no link. */
const MOST_LOOKUPS = 8

const nameOf = ({ scope, key }: RecordId): string => `${scope}\n${key}`

/** Spans of the store calls of sampled deliveries and attempts. */
export class StoreSpans {
  readonly #api: Api
  readonly #run: symbol
  /** Workers call the store outside of their handlers' contexts. */
  readonly #attempts = new Map<string, OpenAttempt>()
  #lookups = 0

  constructor(api: Api) {
    this.#api = api
    this.#run = api.createContextKey('hookonce run')
  }

  /** Does the work of a delivery; its calls to the store are traced. */
  during<T>(run: TracedRun, work: () => T): T {
    return this.#api.context.with(run.context.setValue(this.#run, run), work)
  }

  /**
   * From here on the calls for this record are those of the attempt. The returned function says that its handler answered, and
   * whether what it answered is still wanted.
   */
  attempt({ source, span, context }: TracedRun, key: string): (isWanted: boolean) => void {
    const open: OpenAttempt = { source, span, context }
    const name = nameOf({ scope: source, key })
    // A lost attempt, whose handler still works.
    this.#attempts.get(name)?.span.end()
    this.#attempts.set(name, open)
    return isWanted => {
      open.isAnswered = true
      // Of an attempt that was lost nothing is written.
      open.isWritten ||= !isWanted
      this.#endIfOver(name, open)
    }
  }

  /** The same store, traced. */
  traced(store: Store): Store {
    const { name, claim, complete, fail, accept, transact } = store as Store & Further
    const write = <T>(operation: string, id: RecordId, ask: () => Promise<T>) => this.#write(name, operation, id, ask)
    const calls = {
      claim: (request: Parameters<typeof claim>[0]) =>
        this.#call(name, 'claim', this.#current(request), () => claim(request)),
      complete: (...args: Parameters<typeof complete>) => write('complete', args[0], () => complete(...args)),
      fail: (...args: Parameters<typeof fail>) => write('fail', args[0], () => fail(...args)),
      ...(transact && {
        transact: (...args: Parameters<Transact>) => write('commit', args[0], () => transact(...args)),
      }),
      ...(accept && {
        accept: async (request: Parameters<typeof accept>[0]) => {
          const run = this.#current(request)
          const outcome = await this.#call(name, 'accept', run, () => accept(request))
          if (run !== undefined && outcome.status === 'known') run.first = this.#firstOf(store, request)
          return outcome
        },
      }),
    }
    return { ...store, ...calls }
  }

  /** A call by who holds the record. */
  #write<T>(store: string, operation: string, id: RecordId, ask: () => Promise<T>): Promise<T> {
    const name = nameOf(id)
    const attempt = this.#attempts.get(name)
    if (attempt === undefined) return this.#call(store, operation, this.#current(id), ask)
    return this.#call(store, operation, attempt, ask).finally(() => {
      attempt.isWritten = true
      this.#endIfOver(name, attempt)
    })
  }

  async #call<T>(store: string, operation: string, run: TracedRun | undefined, ask: () => Promise<T>): Promise<T> {
    if (run === undefined) return ask()
    const { SpanKind, SpanStatusCode, trace } = this.#api
    const kind = IN_PROCESS.has(store) ? SpanKind.INTERNAL : SpanKind.CLIENT
    const attributes = { 'db.system.name': SYSTEMS[store] ?? store, 'db.operation.name': operation }
    const span = trace.getTracer('hookonce').startSpan(operation, { kind, attributes }, run.context)
    try {
      const outcome = await ask()
      span.setAttribute('hookonce.store.outcome', wordOf(outcome))
      return outcome
    } catch (error) {
      span.setAttribute('error.type', error instanceof StoreError ? error.effect : 'thrown')
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  }

  /**
   * The delivery that this call is made for. A call that is repeated by a timer may run in the context of another delivery,
   * whose key is another.
   */
  #current({ scope, key }: RecordId): TracedRun | undefined {
    const run = this.#api.context.active().getValue(this.#run) as TracedRun | undefined
    if (run === undefined || run.source !== scope || !run.span.isRecording()) return undefined
    run.key ??= key
    return run.key === key ? run : undefined
  }

  #endIfOver(name: string, open: OpenAttempt): void {
    if (!open.isAnswered || !open.isWritten) return
    if (open.span.isRecording()) open.span.end()
    if (this.#attempts.get(name) === open) this.#attempts.delete(name)
  }

  /** The span that accepted the delivery of this record, which its record names. */
  async #firstOf(store: Store, id: RecordId): Promise<SpanContext | undefined> {
    if (this.#lookups >= MOST_LOOKUPS) return undefined
    this.#lookups++
    try {
      const record = await store.get(id)
      if (record?.delivery === undefined) return undefined
      return this.#api.trace.getSpanContext(contextOf(this.#api, await decodeDelivery(record.delivery)))
    } catch {
      // A link is not worth a failure.
      return undefined
    } finally {
      this.#lookups--
    }
  }
}

type Transact = (id: RecordId, leaseId: string, work: never) => Promise<{ status: string }>

/** What stores of inboxes and of transactions have as well. */
type Further = Pick<InboxStore, 'fail'> & Partial<Pick<InboxStore, 'accept'>> & { transact?: Transact }

/** The word of a store for what became of a call. */
const wordOf = (outcome: unknown): string =>
  typeof outcome === 'string' ? outcome : (outcome as { status: string }).status
