import type { RecordId } from '../store.js'
import { Failure, failureOfStatement } from './errors.js'
import { nameOf } from './rows.js'

interface Item<Request, Answer> {
  readonly name: string
  readonly request: Request
  readonly bytes: number
  readonly by: number
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** A second batch goes on while the first waits for a lock. A third adds 1 % to the throughput. */
const MOST_BATCHES = 2
const LONGEST_BATCH = 128
const LARGEST_BATCH_BYTES = 1024 * 1024

/**
 * Sends the requests of one tick of the event loop, or those that arrive while all batches are in flight, as one statement:
 * one round trip, one plan and one flush. No batch has two requests for one record. `send` returns answers in the order of
 * the batch, `undefined` for a request without one.
 *
 * After its first attempt a request is sent alone, so that it cannot fail with others.
 */
export function createBatcher<Request extends RecordId, Answer>(
  send: (batch: Request[], by: number) => Promise<(Answer | undefined)[]>,
) {
  let waiting: Item<Request, Answer | undefined>[] = []
  let inFlight = 0
  let isScheduled = false

  function nextBatch(): typeof waiting {
    const names = new Set<string>()
    const batch: typeof waiting = []
    const left: typeof waiting = []
    let bytes = 0
    let seen = 0
    for (const item of waiting) {
      if (batch.length === LONGEST_BATCH || (batch.length > 0 && bytes + item.bytes > LARGEST_BATCH_BYTES)) break
      seen++
      if (names.has(item.name)) left.push(item)
      else {
        names.add(item.name)
        batch.push(item)
        bytes += item.bytes
      }
    }
    waiting = left.concat(waiting.slice(seen))
    return batch
  }

  async function run(batch: typeof waiting): Promise<void> {
    const by = Math.min(...batch.map(item => item.by))
    try {
      if (performance.now() >= by) throw new Failure(new Error('it waited too long to be sent'), 'refused', true)
      const requests = batch.map(item => item.request)
      const answers = await send(requests, by)
      for (const [i, item] of batch.entries()) item.resolve(answers[i])
    } catch (error) {
      const { cause, effect, isTransient } = failureOfStatement(error)
      // One request's error fails the batch, so each may succeed alone.
      for (const item of batch) item.reject(new Failure(cause, effect, isTransient || batch.length > 1))
    }
  }

  function sendBatches(): void {
    isScheduled = false
    while (inFlight < MOST_BATCHES && waiting.length > 0) {
      inFlight++
      run(nextBatch()).then(() => {
        inFlight--
        sendBatches()
      })
    }
  }

  return async function add(request: Request, bytes: number, by: number, attempt: number): Promise<Answer | undefined> {
    if (attempt > 1) return (await send([request], by))[0]
    return new Promise((resolve, reject) => {
      waiting.push({ name: nameOf(request), request, bytes, by, resolve, reject })
      if (isScheduled || inFlight === MOST_BATCHES) return
      isScheduled = true
      setImmediate(sendBatches)
    })
  }
}
