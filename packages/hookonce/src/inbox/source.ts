import { randomUUID } from 'node:crypto'
import type { Engine } from '../engine/engine.js'
import type { Quota } from '../engine/quota.js'
import type { Delivery } from '../http/delivery.js'
import { encodeDelivery } from '../http/delivery-codec.js'
import { problem } from '../http/problem.js'
import type { Answer } from '../http/response.js'
import { noRoom } from '../receiver/answer.js'
import { type Answered, answersOf } from '../receiver/answer-metrics.js'
import { createChecks } from '../receiver/checks.js'
import type { Source } from '../receiver/source.js'
import type { Queue } from './queue.js'
import type { ResolvedInboxOptions } from './source-options.js'

/** A source that accepts what it receives, and calls no handler. */
export function acceptingSource<Kind>(
  engine: Engine,
  queue: Queue,
  quota: Quota,
  name: string,
  options: ResolvedInboxOptions<Kind>,
): Source {
  const { sender, timing, group, acceptedStatus, maxBodyBytes, maxResponseBytes } = options
  const { clock, report } = engine.context
  const checks = createChecks(options, clock)
  const answers = answersOf(clock, name)
  const secretHeaders = new Set(sender?.secretHeaders?.map(header => header.toLowerCase()))

  /** A delivery without a key is one of its own. */
  async function accept(delivery: Delivery, about: Answered, trusted?: boolean): Promise<Answer> {
    try {
      const checked = checks.check(delivery, trusted)
      if ('refusal' in checked) return checked.refusal
      const { label, fingerprint } = checked
      const key = checked.key ?? `keyless.${randomUUID()}`
      about.key = key
      const full = quota.isFull ? await quota.refusal(key) : undefined
      if (full !== undefined) return noRoom(full)
      const encoded = await encodeDelivery(delivery, secretHeaders)
      const acceptance = {
        scope: name,
        key,
        label,
        fingerprint,
        delivery: encoded,
        retentionMs: timing.retentionMs,
        delayMs: 0,
        group: group(delivery) ?? null,
      }
      const outcome = await queue.accept(acceptance, delivery.requestId)
      switch (outcome.status) {
        case 'unavailable':
          return problem('store_unavailable', { retryAfterMs: 5_000, outcome: 'unavailable' })
        case 'mismatch':
          return problem('key_reused', { detail: 'Send a new key with a new payload.', outcome: 'mismatch' })
        case 'known':
          return acknowledgement(key, outcome.acceptedAt)
        case 'accepted':
          quota.added(encoded.byteLength)
          return acknowledgement(key)
      }
    } catch (error) {
      return failed(error, undefined, delivery.requestId)
    }
  }

  /** The same for every delivery of a key, whatever became of it. */
  function acknowledgement(key: string, knownSince?: number): Answer {
    const headers: [string, string][] = [['content-type', 'application/json']]
    if (knownSince !== undefined) {
      headers.push(['x-cached', 'true'], ['x-cached-at', new Date(knownSince).toISOString()])
      headers.push(['idempotent-replayed', 'true'])
    }
    const body = acceptedStatus === 204 ? new Uint8Array() : Buffer.from(JSON.stringify({ status: 'accepted', key }))
    const outcome = knownSince === undefined ? 'accepted' : 'replayed'
    const answer: Answer = { status: acceptedStatus, headers, body, outcome }
    return knownSince === undefined ? answer : { ...answer, recordedAt: knownSince }
  }

  function failed(error: unknown, _attempt?: unknown, requestId: string | null = null): Answer {
    report({ type: 'receiver_failed', scope: name, key: null, requestId, error })
    return problem('handler_failed')
  }

  return {
    maxBodyBytes,
    maxResponseBytes,
    failed,
    tooLarge: () => answers.publish(checks.tooLarge(), { since: answers.arrivedAt() }),
    refusal(head) {
      const refusal = checks.refusal(head)
      return refusal && answers.publish(refusal, { since: answers.arrivedAt() })
    },
    async receive(delivery, _handler, trusted) {
      const about: Answered = { since: answers.arrivedAt(), requestId: delivery.requestId }
      return answers.publish(await accept(delivery, about, trusted), about)
    },
  }
}
