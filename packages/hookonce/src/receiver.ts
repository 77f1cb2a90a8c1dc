import type { Attempt } from './attempt.js'
import type { Clock } from './clock.js'
import type { Delivery, HeaderList } from './delivery.js'
import type { Answer, HandlerResponse } from './response.js'
import type { RecordSummary, Store } from './store.js'

/** Runs once for a delivery at most; whether its response is recorded the source decides. */
export type Handler = (delivery: Delivery, attempt: Attempt) => HandlerResponse | Promise<HandlerResponse>

/** The rules of an endpoint. Durations are in milliseconds, sizes in bytes. */
export interface SourceSettings {
  /** Answer 400 to a delivery without a key instead of processing it every time. Default `false`. */
  keyRequired?: boolean
  /** What must be equal for two deliveries to be one operation: the raw `body` (default), `none`, or a digest of your own. */
  fingerprint?: 'body' | 'none' | ((delivery: Delivery) => string)
  /** Which responses are final and recorded. Default: status 200 to 299. All others give the key back. */
  recordable?: (response: HandlerResponse) => boolean
  /** How long a result is replayed, from its completion. Default 1 hour. */
  retentionMs?: number
  /** The longest an attempt may hold a key. Default 5 minutes. */
  lockTtlMs?: number
  /** How long a key stays held after its process died. Renewed every third. Default 15 s, at most `lockTtlMs`. */
  leaseMs?: number
  /** How long a duplicate waits for a running attempt; 0: not at all. Default 10 s. */
  waitMs?: number
  /** Default 1 MiB. */
  maxBodyBytes?: number
  /** Default 1 MiB. Of larger responses status and headers are recorded, the body is not. */
  maxResponseBytes?: number
}

export interface SourceOptions extends SourceSettings {
  /** Names the endpoint; sources with different names never share keys. 1 to 255 bytes. */
  name: string
}

/** One endpoint: its own keys, its own rules. */
export interface Source {
  /** The largest body to read, in bytes; adapters answer more than that with `tooLarge()`. */
  readonly maxBodyBytes: number
  /** How much of a handler's response an adapter gathers before it hands on the remainder as `rest`. */
  readonly maxResponseBytes: number
  /** Never rejects: whatever goes wrong is an answer. */
  receive(delivery: Delivery, handler: Handler): Promise<Answer>
  /** 413: the adapter stopped reading the body. */
  tooLarge(): Answer
}

export interface ReceiverOptions extends SourceSettings {
  store: Store
  /** How many duplicates may wait at once in this process; one more is answered 409. Default 10,000. */
  maxWaiters?: number
  /** One store operation. Default 2 s, or a third of the lease if that is less; at most that third. */
  storeTimeoutMs?: number
  /** After so many attempts that ended without a word (crashes) a key is not run again. Default 10. */
  maxLosses?: number
  clock?: Clock
}

/** A record with its response decoded. */
export interface ReceiverRecord extends RecordSummary {
  response: { status: number; headers: HeaderList; body: Uint8Array; bodyOmitted: boolean } | null
}

/**
 * A receiver is itself a source, for routes that need no name: each method and path is a source of its own
 * (`POST /webhook`), so that two routes never share keys.
 */
export interface Receiver extends Source {
  /** An endpoint with a name, and with rules of its own where `options` has them. @throws {ConfigurationError} */
  source(options: SourceOptions): Source
  /** What is recorded for a key of the named source. @throws {StoreError} */
  record(source: string, key: string): Promise<ReceiverRecord | undefined>
  /** Forgets a key. A running attempt is refused (`running`) unless forced; its result is refused then. @throws {StoreError} */
  deleteRecord(source: string, key: string, options?: { force?: boolean }): Promise<'deleted' | 'absent' | 'running'>
  /** Resolves when no attempt is in flight, results still on their way to the store included. */
  settled(): Promise<void>
  /** Aborts the signal of every running attempt. */
  abort(): void
  /** Resolves when the store can do its work. @throws {StoreError} */
  ready(): Promise<void>
  /** Closes the store. Wait for `settled()` first. */
  close(): Promise<void>
}
