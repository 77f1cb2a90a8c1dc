import { randomUUID } from 'node:crypto'
import type { Delivery, Handler, JournalEntry } from 'hookonce'
import { fieldType, headerType, type Sender } from 'hookonce/senders'
import type { Logger } from 'pino'
import type { ResolvedSource } from '../config/resolve.js'
import { timingOfSource } from '../config/source-timing.js'
import type { JournalWriter } from './writer.js'

/** An entry of the journal names so many events at most, all begun within this time. */
const MOST_EVENTS = 200
export const SPAN_MS = 1_000
/** Of a source: a process writes one a second, or more with {@link MOST_EVENTS} each. */
const MOST_ENTRIES = 1_000_000
/** How much longer than a result an event is found: an inbox may attempt it for days before there is one. */
const INBOX_MS = 7 * 86_400_000
const MOST_TERMS = 10
/** Of a type and of a term, in characters. */
const MOST_TEXT = 100
/** Larger bodies are not read for a type. */
const MOST_READ_BYTES = 65_536
/** At most one line about terms that could not be made in this time. */
const FAILED_INTERVAL_MS = 10_000

/** An event whose attempt began. */
export interface IndexedEvent {
  source: string
  key: string
  /** 1, or 2: the first may have been lost before it was written here. */
  attempt: number
  /** When it began, in ms since the epoch, by the clock of its process. */
  at: number
  /** The sender's name for what happened; `null`: none is known. */
  type: string | null
  /** What the source's `index` made of it. */
  terms: readonly string[]
}

type Packed = [at: number, key: string, type: string | null, terms: readonly string[], attempt?: number]

interface Buffered {
  source: ResolvedSource
  events: Packed[]
}

export const eventListOf = (source: string): string => `events ${source}`

/** Keeps the order, the type and the terms of what the sources process, written many at a time beside the deliveries' way. */
export class EventIndex {
  readonly #writer: JournalWriter
  readonly #log: Logger
  /** By source, which may have several handlers. */
  readonly #buffers = new Map<string, Buffered>()
  #timer: NodeJS.Timeout | undefined
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(writer: JournalWriter, log: Logger) {
    this.#writer = writer
    this.#log = log
  }

  /** The same handler; each event is indexed when its first two attempts begin. */
  indexed(handler: Handler, source: ResolvedSource): Handler {
    const { name } = source.options
    const buffer: Buffered = this.#buffers.get(name) ?? { source, events: [] }
    this.#buffers.set(name, buffer)
    return (delivery, attempt) => {
      const { key, number } = attempt
      if (number <= 2 && key !== null) this.#add(buffer, key, number, delivery)
      return handler(delivery, attempt)
    }
  }

  /** Hands what is buffered to the writer. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const buffer of this.#buffers.values()) this.#write(buffer)
  }

  #add(buffer: Buffered, key: string, attempt: number, delivery: Delivery): void {
    const { source, events } = buffer
    const at = Date.now()
    const [first] = events
    // After a stall, or a step of the clock.
    if (first !== undefined && Math.abs(at - first[0]) > SPAN_MS) this.#write(buffer)
    const event: Packed = [at, key, eventTypeOf(source.options.sender, delivery), this.#termsOf(source, delivery)]
    if (attempt > 1) event.push(attempt)
    buffer.events.push(event)
    if (buffer.events.length >= MOST_EVENTS) this.#write(buffer)
    this.#timer ??= setTimeout(() => this.flush(), SPAN_MS).unref()
  }

  #write(buffer: Buffered): void {
    const { source, events } = buffer
    if (events.length === 0) return
    buffer.events = []
    const { name } = source.options
    const at = events.reduce((latest, [at]) => Math.max(latest, at), 0)
    const keepMs = timingOfSource(source).retentionMs + (source.inbox === undefined ? 0 : INBOX_MS)
    const value = Buffer.from(JSON.stringify(events))
    void this.#writer.write({ list: eventListOf(name), id: randomUUID(), at, keepMs, value }, MOST_ENTRIES)
  }

  #termsOf({ index, options }: ResolvedSource, delivery: Delivery): readonly string[] {
    if (index === undefined) return []
    try {
      const terms = index(delivery).map(term => String(term).slice(0, MOST_TEXT))
      return [...new Set(terms.filter(term => term !== ''))].slice(0, MOST_TERMS)
    } catch (error) {
      const now = performance.now()
      if (now >= this.#saidAt + FAILED_INTERVAL_MS) {
        this.#saidAt = now
        this.#log.error({ source: options.name, err: error }, 'an event was indexed without its terms')
      }
      return []
    }
  }
}

const fromHeader = headerType('ce-type')
const fromBody = fieldType('type', 'event_type', 'event')

/** The sender's name for what happened, or where its events usually name that; `null`: none is known. */
export function eventTypeOf(sender: Sender | undefined, delivery: Delivery): string | null {
  const type =
    sender?.type?.(delivery) ??
    fromHeader(delivery) ??
    (delivery.body.length <= MOST_READ_BYTES ? fromBody(delivery) : null)
  return type?.slice(0, MOST_TEXT) ?? null
}

/** The events that an entry names, in the order in which they began. */
export function eventsIn(source: string, { value }: JournalEntry): IndexedEvent[] {
  const packed: Packed[] = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString())
  return packed.map(([at, key, type, terms, attempt = 1]) => ({ source, key, attempt, at, type, terms }))
}
