import { randomUUID } from 'node:crypto'
import {
  type Answer,
  Delivery,
  type DeliveryOutcome,
  decodeDelivery,
  encodeDelivery,
  type JournalEntry,
  type NewEntry,
} from 'hookonce'
import type { Logger } from 'pino'
import type { ResolvedSource } from '../config/resolve.js'
import { keyIn } from '../config/source-key.js'
import { pack, unpack } from './packed.js'
import { redactedBy } from './redacted.js'
import type { JournalWriter } from './writer.js'

/** What is kept of a source: so many, and for so long. */
const MOST_KEPT = 10_000
const KEEP_MS = 7 * 86_400_000
/** Of larger ones only the facts are kept. */
const MOST_BODY_BYTES = 262_144

/** Its attempt failed, its own or another's that it waited for. */
const FAILED = new Set<DeliveryOutcome>(['failed', 'lost'])
/** Not the sender's, or no event, or without a way to the store. */
const NEVER = new Set<DeliveryOutcome>(['unauthorized', 'invalid', 'handshake', 'unavailable', 'full', 'mismatch'])

/** What is known of a kept delivery beside its content. */
export interface KeptFacts {
  /** `null`: it has none. */
  key: string | null
  status: number
  outcome: DeliveryOutcome
  requestId: string | null
  /** Of its body. */
  bytes: number
  /** Its content is what was received, but for headers that contain secrets; otherwise it cannot be replayed. */
  isWhole: boolean
}

export interface KeptDelivery extends KeptFacts {
  id: string
  /** When it was answered, in ms since the epoch. */
  at: number
}

/** Of a source: by their keys, and all that were kept. */
export const failedListOf = (source: string): string => `failed ${source}`
export const deliveryListOf = (source: string): string => `deliveries ${source}`

/** Keeps the deliveries of a source that operators may want to look at or to replay. */
export class KeptDeliveries {
  readonly #writer: JournalWriter
  readonly #source: ResolvedSource
  readonly #name: string
  readonly #secretHeaders: ReadonlySet<string>

  readonly #log: Logger

  constructor(writer: JournalWriter, name: string, source: ResolvedSource, log: Logger) {
    this.#log = log
    this.#writer = writer
    this.#name = name
    this.#source = source
    this.#secretHeaders = new Set(source.options.sender?.secretHeaders)
  }

  /** `undefined`: this delivery is not kept. Otherwise resolves when it is; never rejects. */
  answered(delivery: Delivery, answer: Answer): Promise<void> | undefined {
    const { which } = this.#source.kept
    const { outcome } = answer
    const isFailed = FAILED.has(outcome)
    if (which === 'none' || (which === 'failed' && !isFailed) || NEVER.has(outcome)) return undefined
    return this.#keep(delivery, answer, isFailed).catch(error => {
      // What `redactDelivery` fails at is kept in no form.
      this.#log.error({ source: this.#name, err: error }, 'a delivery was not kept')
    })
  }

  async #keep(delivery: Delivery, { status, outcome }: Answer, isFailed: boolean): Promise<void> {
    const { kept } = this.#source
    const redacted = redactedBy(kept, delivery)
    if (redacted === null) return
    const key = keyIn(this.#source, delivery)
    const { method, url, requestId } = delivery
    const isSmall = delivery.body.length <= MOST_BODY_BYTES
    const shown = new Delivery({ ...redacted, method, url, requestId, body: isSmall ? redacted.body : NO_BODY })
    const isWhole = isSmall && redacted.body === delivery.body && keyIn(this.#source, shown) === key
    const facts: KeptFacts = { key, status, outcome, requestId, bytes: delivery.body.length, isWhole }
    const value = pack(facts, await encodeDelivery(shown, this.#secretHeaders))
    const entry = { keepMs: KEEP_MS, value }
    const writes: NewEntry[] = []
    if (kept.which === 'all') writes.push({ ...entry, list: deliveryListOf(this.#name), id: randomUUID() })
    if (isFailed && key !== null) writes.push({ ...entry, list: failedListOf(this.#name), id: key })
    await Promise.all(writes.map(write => this.#writer.write(write, MOST_KEPT)))
  }
}

const NO_BODY = new Uint8Array()

/** A kept delivery without its content. */
export function keptIn({ id, at, value }: JournalEntry): KeptDelivery {
  return { ...unpack<KeptFacts>(value).facts, id, at }
}

/** The content of a kept delivery. */
export const contentOf = ({ value }: JournalEntry): Promise<Delivery> => decodeDelivery(unpack(value).bytes)
