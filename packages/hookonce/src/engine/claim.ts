import type { ClaimOutcome, ClaimRequest, Failure } from '../stores/store.js'
import type { EngineContext } from './context.js'
import { type Lease, newLeaseId } from './lease.js'
import { callUntilAnswered, wasRefused } from './store-call.js'

/** What is claimed, the same for all requests for a key. */
export type ClaimTerms = Omit<ClaimRequest, 'leaseId'>

export type Claimed =
  | { status: 'acquired'; lease: Lease }
  | Exclude<ClaimOutcome, { status: 'acquired' }>
  | { status: 'unavailable' }

/**
 * Claims the key. A claim without an answer may have happened: it is sent once more under the same lease id, and
 * released when there is no answer to that either.
 */
export async function claim(context: EngineContext, terms: ClaimTerms, requestId: string | null): Promise<Claimed> {
  const { clock, store, storeTimeoutMs } = context
  const { scope, key, fingerprint, label = null, leaseMs, lockTtlMs, retentionMs, maxLosses } = terms
  for (;;) {
    // By name: a spread that adds a field costs ten times as much.
    const leaseId = newLeaseId()
    const request = { scope, key, fingerprint, label, leaseId, leaseMs, lockTtlMs, retentionMs, maxLosses }
    const claimedAt = clock.monotonic()
    let failures = 0
    let nothingWritten = false
    const outcome = await callUntilAnswered(context, 'claim', () => store.claim(request), {
      giveUpAt: claimedAt + 2 * storeTimeoutMs,
      isOver: () => nothingWritten || failures > 1,
      failed(error, call) {
        failures++
        nothingWritten = call === 1 && wasRefused(error)
        const durationMs = clock.monotonic() - claimedAt
        context.report({ type: 'store_failed', scope, key, requestId, durationMs, operation: 'claim', error })
      },
    })
    if (outcome === undefined) {
      if (!nothingWritten) void release(context, request)
      return { status: 'unavailable' }
    }
    if (outcome.status !== 'acquired') return outcome
    if (clock.monotonic() < claimedAt + leaseMs) {
      const { attempt, fencingToken, tookOver } = outcome
      const renewedAt = claimedAt
      const lease = {
        scope,
        key,
        id: leaseId,
        attempt,
        fencingToken,
        leaseMs,
        lockTtlMs,
        claimedAt,
        renewedAt,
        tookOver,
      }
      return { status: 'acquired', lease }
    }
    // This process was stopped until the lease was over: others may run by now.
    void release(context, request)
  }
}

function release(context: EngineContext, request: ClaimRequest): Promise<unknown> {
  const giveUpAt = context.clock.monotonic() + request.leaseMs
  const failure: Failure = { error: 'the claim was given up', outcome: 'not_begun' }
  const fail = () => context.store.fail(request, request.leaseId, failure)
  return callUntilAnswered(context, 'fail', fail, { giveUpAt, failed: () => {} })
}
