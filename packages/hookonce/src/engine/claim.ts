import type { ClaimOutcome, ClaimRequest } from '../stores/store.js'
import type { HoldContext } from './leased-attempt.js'
import { ask, insist, wasRefused } from './store-call.js'

/**
 * Claims the key. A claim without an answer may have happened: it is asked once more under the same lease id, and
 * released when that has no answer either (`unavailable`). So is one whose lease was over when the answer came, because
 * this process was stopped meanwhile (`late`): others may run by now.
 */
export function claim(
  context: HoldContext,
  request: ClaimRequest,
  requestId: string | null,
  done: (claimed: { outcome: ClaimOutcome; sentAt: number } | 'late' | 'unavailable') => void,
): void {
  const { clock, store } = context
  const sentAt = clock.monotonic()
  const question = () => store.claim(request)
  const answered = (outcome: ClaimOutcome, at?: number) => {
    const late = outcome.status === 'acquired' && (at ?? clock.monotonic()) >= sentAt + request.leaseMs
    if (late) void release(context, request)
    done(late ? 'late' : { outcome, sentAt })
  }
  const claimFailed = (error: unknown) => {
    const { scope, key } = request
    const durationMs = clock.monotonic() - sentAt
    context.report({ type: 'store_failed', scope, key, requestId, durationMs, operation: 'claim', error })
  }
  const failedAgain = (error: unknown) => {
    claimFailed(error)
    void release(context, request)
    done('unavailable')
  }
  const failed = (error: unknown) => {
    claimFailed(error)
    if (wasRefused(error)) done('unavailable')
    else ask(context, 'claim', question, answered, failedAgain)
  }
  ask(context, 'claim', question, answered, failed, sentAt)
}

async function release(context: HoldContext, request: ClaimRequest): Promise<void> {
  const giveUpAt = context.clock.monotonic() + request.leaseMs
  const fail = () => context.store.fail(request, request.leaseId, 'the claim was given up')
  await insist({ ...context, giveUpAt, failed: () => {} }, 'fail', fail)
}
