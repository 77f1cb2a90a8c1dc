import { setImmediate } from 'node:timers/promises'
import type { Inbox, ListQuery, Receiver, RecordSummary } from 'hookonce'

/** Which dead deliveries, and at most how many of them. */
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
  /** Why it was broken off; then it is the last that is told. */
  error?: string
}

/** So many are read at a time. */
const BATCH = 50
/** So many are redriven together: a store that flushes each of its writes flushes them once. */
const TOGETHER = 16

/** How many a redrive would begin again now. */
export async function countDead(receiver: Receiver, selection: DeadSelection): Promise<number> {
  let count = 0
  for await (const { fitting } of batches(receiver, selection)) {
    count += fitting.length
    if (count >= selection.limit) return selection.limit
  }
  return count
}

/**
 * Tells how far it is after each batch, and what broke it off. What was redriven is dead no more, and only what is dead is
 * redriven: one that was broken off is continued by asking for the same again, and two at once do no harm.
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
      while (batch.fitting.length > 0 && redriven < selection.limit) {
        const some = batch.fitting.splice(0, Math.min(TOGETHER, selection.limit - redriven))
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
  fitting: RecordSummary[]
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
    const fitting = page.records.filter(({ lastError }) => error === undefined || lastError?.includes(error))
    yield { looked: page.records.length, fitting, last: after === undefined }
    await setImmediate()
  } while (after !== undefined)
}
