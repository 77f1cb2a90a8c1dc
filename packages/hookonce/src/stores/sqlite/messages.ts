import type { DueClaim } from '../inbox-store.js'
import type { ListQuery, RecordSummary } from '../store.js'
import type { Failure } from './database/errors.js'
import type { Turns } from './lock-handover.js'

/**
 * What crosses between the caller's thread and the worker: flat tuples, and all results of one message in one
 * transferred buffer, in the order of the tuples that give their length. Measured, to send 32 claims: 0.3 µs each as
 * tuples, 0.8 as objects; 32 results of 300 bytes: 0.1 µs each in one buffer, 1.1 as a `Uint8Array` each.
 */
export interface RequestMessage {
  requests: Request[]
  bytes: Uint8Array<ArrayBuffer> | undefined
}

export interface AnswerMessage {
  answers: Answer[]
  failures: [id: number, failure: Failure][]
  bytes: Uint8Array<ArrayBuffer> | undefined
}

export type Request =
  | [
      id: number,
      operation: 'claim',
      scope: string,
      key: string,
      fingerprint: string | null,
      leaseId: string,
      leaseMs: number,
      lockTtlMs: number,
      retentionMs: number,
      maxLosses: number,
      label: string | null,
    ]
  | [id: number, operation: 'renew', scope: string, key: string, leaseId: string, leaseMs: number]
  /** The result, or the delivery, is put in place of its length on arrival. */
  | [id: number, operation: 'complete', scope: string, key: string, leaseId: string, result: number | Uint8Array]
  /** `dueInMs`, of accepted records: `null`, it is dead. */
  | [
      id: number,
      operation: 'fail',
      scope: string,
      key: string,
      leaseId: string,
      error: string,
      dueInMs: number | null,
      notBegun: boolean,
    ]
  | [
      id: number,
      operation: 'accept',
      scope: string,
      key: string,
      acceptId: string,
      delivery: number | Uint8Array,
      fingerprint: string | null,
      retentionMs: number,
      delayMs: number,
      group: string | null,
      label: string | null,
    ]
  | [
      id: number,
      operation: 'claimDue',
      scope: string,
      limit: number,
      leaseId: string,
      leaseMs: number,
      lockTtlMs: number,
      maxLosses: number,
      again: boolean,
    ]
  | [id: number, operation: 'redrive', scope: string, key: string, completed: boolean]
  | [id: number, operation: 'backlog', scope: string]
  | [id: number, operation: 'delete', scope: string, key: string, force: boolean]
  | [id: number, operation: 'get', scope: string, key: string]
  | [id: number, operation: 'list', query: ListQuery]
  | [id: number, operation: 'stats']
  | [id: number, operation: 'usage', scope: string]
  | [id: number, operation: 'purge', limit: number]
  | [id: number, operation: 'ready']
  /** Answered when the worker begins to leave the write lock to the caller's thread. */
  | [id: number, operation: 'turn', turn: number]
  | [id: number, operation: 'close']

export type RequestOf<Operation extends Request[1]> = Extract<Request, { 1: Operation }>

/** In the worker a result is its bytes, on the way its length. */
export type ClaimAnswer<Result> =
  | ['acquired', attempt: number, fencingToken: number, tookOver: boolean]
  | ['running', leaseRemainingMs: number]
  | ['completed', result: Result, completedAt: number]
  | ['mismatch']
  | ['exhausted', losses: number]

export type RecordAnswer<Result> = [] | [record: RecordSummary, result: Result | null, delivery: Result | null]

export type AcceptAnswer =
  | ['accepted', acceptedAt: number]
  | ['known', acceptedAt: number, state: RecordSummary['state']]
  | ['mismatch']

export type DueAnswer = Omit<DueClaim, 'delivery'>

/** The id of the request, then what that operation answers. */
export type Answer = [id: number, ...answer: unknown[]]

export interface WorkerSettings extends ConnectionSettings {
  purgeIntervalMs: number
  turns: Turns
}

export interface ConnectionSettings {
  path: string
  synchronous: 'full' | 'normal'
  busyTimeoutMs: number
}

/** Puts results into one buffer that can be transferred. */
export function pack(results: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | undefined {
  if (results.length === 0) return undefined
  let length = 0
  for (const result of results) length += result.byteLength
  // Not zeroed, and not of the shared pool: it is filled and given away.
  const packed = Buffer.allocUnsafeSlow(length)
  let offset = 0
  for (const result of results) {
    packed.set(result, offset)
    offset += result.byteLength
  }
  return packed
}

/** Of those that do, the bytes are in the same place. */
export function carriesBytes(request: Request): request is RequestOf<'complete' | 'accept'> {
  return request[1] === 'complete' || request[1] === 'accept'
}

/** Puts the results of a message in place of their lengths. */
export function unpack({ requests, bytes }: RequestMessage): Request[] {
  let offset = 0
  for (const request of requests) {
    if (!carriesBytes(request)) continue
    const end = offset + (request[5] as number)
    request[5] = bytes!.subarray(offset, end)
    offset = end
  }
  return requests
}

/** Posts a message and gives its bytes away with it. */
export function post<Message extends { bytes: Uint8Array<ArrayBuffer> | undefined }>(
  port: { postMessage(message: Message, transfer?: ArrayBuffer[]): void },
  message: Message,
): void {
  if (message.bytes === undefined) port.postMessage(message)
  else port.postMessage(message, [message.bytes.buffer])
}
