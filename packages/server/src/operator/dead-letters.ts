import { setImmediate } from 'node:timers/promises'
import type { Inbox, ListQuery, Receiver, RecordSummary } from 'hookonce'

/** A selection of dead deliveries. */
export interface DeadSelection {
  list: Pick<ListQuery, 'scope' | 'since' | 'until'>
  /** Part of the last error. */
  error: string | undefined
  limit: number
}

export interface RedriveProgress {
  looked: number
  redriven: number
  done: boolean
  /** Why it was interrupted; then this is the last progress. */
  error?: string
}

/** The records of one page. */
const BATCH = 50
/** The concurrent redrives: a store that flushes every write flushes these together. */
const CONCURRENCY = 16

/** The number of deliveries that a redrive would begin again. */
export async function countDead(receiver: Receiver, selection: DeadSelection): Promise<number> {
  let count = 0
  for await (const { matching } of batches(receiver, selection)) {
    count += matching.length
    if (count >= selection.limit) return selection.limit
  }
  return count
}

/**
 * Yields its progress after each batch. A redriven delivery is no longer dead: after an interruption the same call continues,
 * and two calls at once do no harm.
 */
export async function* redriveDead(
  receiver: Receiver,
  inbox: Inbox,
  selection: DeadSelection,
): AsyncGenerator<RedriveProgress> {
  let redriven = 0
  let looked = 0
  try {
    for await (const batch of batches(receiver, selection)) {
      while (batch.matching.length > 0 && redriven < selection.limit) {
        const some = batch.matching.splice(0, Math.min(CONCURRENCY, selection.limit - redriven))
        const outcomes = await Promise.allSettled(some.map(({ scope, key }) => inbox.redrive(scope, key)))
        redriven += outcomes.filter(outcome => outcome.status === 'fulfilled' && outcome.value === 'redriven').length
        const failure = outcomes.find(({ status }) => status === 'rejected')
        if (failure !== undefined) throw (failure as PromiseRejectedResult).reason
      }
      looked += batch.looked
      const done = batch.last || redriven >= selection.limit
      yield { looked, redriven, done }
      if (done) return
    }
  } catch (error) {
    yield { looked, redriven, done: false, error: error instanceof Error ? error.message : String(error) }
  }
}

interface Batch {
  looked: number
  matching: RecordSummary[]
  last: boolean
}

async function* batches(receiver: Receiver, { list, error }: DeadSelection): AsyncGenerator<Batch> {
  let after: string | undefined
  do {
    const page = await receiver.records({
      ...list,
      accepted: true,
      state: 'dead',
      limit: BATCH,
      ...(after !== undefined && { after }),
    })
    after = page.next
    const matching = page.records.filter(({ lastError }) => error === undefined || lastError?.includes(error))
    yield { looked: page.records.length, matching, last: after === undefined }
    await setImmediate()
  } while (after !== undefined)
}
