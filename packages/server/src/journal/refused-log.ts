import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type Answer, Delivery, type DeliveryOutcome, type HeaderList } from 'hookonce'
import type { Logger } from 'pino'
import { REDACTED, shownHeaders } from '../config/redaction.js'
import type { ResolvedSource } from '../config/resolve.js'
import { keyIn } from '../config/source-key.js'
import { peerOf } from '../http/peer.js'
import { problemIn, type ServerProblemCode } from '../http/problems.js'
import { TokenBucket } from '../http/token-bucket.js'
import { diagnose, type Finding } from './diagnosis.js'
import { pack, unpack } from './packed.js'
import { redactedBy } from './redacted.js'
import type { JournalWriter } from './writer.js'

/** What is kept of a source: so many, and for so long. */
export const MOST_REFUSED = 1000
const KEEP_MS = 86_400_000
/** Of a body so much is kept. */
export const MOST_BODY_BYTES = 16_384
/** Of each reason so many are kept at once, and then so many a second: anybody can cause them. */
const BURST = 50
const PER_SECOND = 0.2

/** Refused for what they are, not for want of room. */
const REFUSED = new Set<DeliveryOutcome>(['unauthorized', 'invalid', 'mismatch'])

/** A delivery that was refused. */
export interface RefusedDelivery {
  id: string
  /** Ms since the epoch. */
  at: number
  status: number
  outcome: DeliveryOutcome
  /** Of the problem that it was answered. */
  code: ServerProblemCode | null
  /** The remote address of the connection: a proxy's, if there is one. */
  peer: string
  requestId: string
  /** Of a mismatch. */
  key: string | null
  method: string
  url: string
  /** Values that the source hides are `[redacted]`. */
  headers: HeaderList
  /** The length of its whole body; `null`: it was refused by its head. */
  bodyBytes: number | null
  findings: Finding[]
  /** All of its body is here, as it came, so that it can be checked and accepted once more. */
  isWhole: boolean
  /** How many of the same reason and process were refused before it, after the one before, without a place here. */
  unlogged: number
  /** When an operator accepted it all the same, in ms since the epoch. */
  acceptedAt?: number
  /** What was kept of the body. */
  body: Uint8Array
}

type Facts = Omit<RefusedDelivery, 'id' | 'at' | 'body'>

/** What the server knows of a request that it refuses. */
export interface Refused {
  request: IncomingMessage
  requestId: string
  /** `undefined`: it was not read. */
  body?: Uint8Array
}

/** What is known of it besides its content. */
type Known = Pick<Facts, 'peer' | 'unlogged'> & { answer: Answer }

interface Reason {
  room: TokenBucket
  unlogged: number
}

const NO_BODY = new Uint8Array()

export const listOf = (source: string): string => `refused ${source}`

/** Keeps a sample of the deliveries that were refused, beside their way. */
export class RefusedLog {
  readonly #writer: JournalWriter
  readonly #sources: ReadonlyMap<string, ResolvedSource>
  readonly #log: Logger
  readonly #reasons = new Map<string, Reason>()

  constructor(writer: JournalWriter, sources: ReadonlyMap<string, ResolvedSource>, log: Logger) {
    this.#log = log
    this.#writer = writer
    this.#sources = sources
  }

  /** Costs a look at a counter, unless there is room for it. */
  note(source: string, refused: Refused, answer: Answer): void {
    const { outcome } = answer
    if (!REFUSED.has(outcome)) return
    const unlogged = this.#take(`${source} ${outcome} ${answer.status}`)
    if (unlogged === undefined) return
    const at = Date.now()
    // Later its connection may be gone.
    const peer = peerOf(refused.request)
    setImmediate(() => {
      const { request, requestId, body = NO_BODY } = refused
      const { method = 'POST', url = '', rawHeaders: headers } = request
      const delivery = new Delivery({ method, url, headers, body, requestId })
      const entry = this.#entry(source, at, delivery, { peer, answer, unlogged })
      if (entry !== undefined) this.#writer.add(entry, MOST_REFUSED)
    })
  }

  /** Keeps one whatever came before, at once. Resolves with its id, or with `null`: it is not kept. */
  async keep(source: string, delivery: Delivery, peer: string, answer: Answer): Promise<string | null> {
    const entry = this.#entry(source, Date.now(), delivery, { peer, answer, unlogged: 0 })
    return entry !== undefined && (await this.#writer.write(entry, MOST_REFUSED)) ? entry.id : null
  }

  /** How many have found no room before; `undefined`: nor does this. */
  #take(name: string): number | undefined {
    const now = performance.now()
    const reason = this.#reasons.get(name) ?? { room: new TokenBucket(PER_SECOND, now, BURST), unlogged: 0 }
    this.#reasons.set(name, reason)
    const { unlogged } = reason
    const hasRoom = reason.room.take(now) === 0
    reason.unlogged = hasRoom ? 0 : unlogged + 1
    return hasRoom ? unlogged : undefined
  }

  /** `undefined`: its source keeps it from operators, or cannot say what of it they may see. */
  #entry(source: string, at: number, delivery: Delivery, facts: Known) {
    try {
      return this.#made(source, at, delivery, facts)
    } catch (error) {
      this.#log.error({ source, err: error }, 'a refused delivery was not kept')
      return undefined
    }
  }

  #made(source: string, at: number, delivery: Delivery, { peer, answer, unlogged }: Known) {
    const { method, url, body } = delivery
    const configured = this.#sources.get(source)!
    const { shown, kept } = configured
    const redacted = redactedBy(kept, delivery)
    if (redacted === null) return undefined
    const { status, outcome } = answer
    const key = outcome === 'mismatch' ? keyIn(configured, delivery) : null
    const keptBody = shown.bodies ? redacted.body.subarray(0, MOST_BODY_BYTES) : NO_BODY
    const facts: Facts = {
      ...{ status, outcome, code: problemIn(answer)?.code ?? null, peer, key, method, url, unlogged },
      requestId: delivery.requestId ?? '',
      headers: shownHeaders(redacted.headers, shown),
      bodyBytes: body === NO_BODY ? null : body.length,
      isWhole: body !== NO_BODY && redacted.body === delivery.body && keptBody.length === body.length,
      findings: outcome === 'unauthorized' ? diagnose(this.#sources, source, delivery, at) : [],
    }
    return entryOf(source, randomUUID(), at, facts, keptBody)
  }
}

export function entryOf(source: string, id: string, at: number, facts: Facts, body: Uint8Array) {
  return { list: listOf(source), id, at, keepMs: KEEP_MS, value: pack(facts, body) }
}

export function refusedIn({ id, at, value }: { id: string; at: number; value: Uint8Array }): RefusedDelivery {
  const { facts, bytes: body } = unpack<Facts>(value)
  return { ...facts, id, at, body }
}

/** The delivery as far as it is kept: without the headers that hold secrets. */
export function deliveryOf({ method, url, headers, body, requestId }: RefusedDelivery): Delivery {
  return new Delivery({ method, url, headers: headers.filter(([, value]) => value !== REDACTED), body, requestId })
}
