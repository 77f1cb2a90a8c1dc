import { randomBytes } from 'node:crypto'
import type { RecordId } from '../stores/store.js'

/** The right to run one attempt of a key: made once from what the store answered, and handed on. */
export interface Lease extends RecordId {
  readonly id: string
  /** The attempt's number, from 1 on. */
  readonly attempt: number
  readonly fencingToken: string
  readonly leaseMs: number
  readonly lockTtlMs: number
  /** Monotonic, from before the claim was sent for the first time. */
  readonly claimedAt: number
  /** Monotonic, from before the last renewal was sent; the claim's time before the first. */
  readonly renewedAt: number
  /** It took the key from an attempt whose lease ended. */
  readonly tookOver: boolean
}

// Made with the first: Cloudflare Workers forbid random values in the global scope.
let processId: string | undefined
let leases = 0

/** 128 random bits of this process and a count: as unique as random bits for each lease, and cheaper. */
export function newLeaseId(): string {
  processId ??= randomBytes(16).toString('base64url')
  return `${processId}.${(++leases).toString(36)}`
}
