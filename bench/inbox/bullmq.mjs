/** BullMQ: a job per event, once for its id, kept when it is done as a record is. */
import { Queue, Worker } from 'bullmq'
import { AT_ONCE, answer, countdown, newEvent, timesAtOnce } from './load.mjs'

const processed = countdown()
let queue

answer({
  open: async ({ url }) => {
    const connection = { url, maxRetriesPerRequest: null }
    queue = new Queue('orders', { connection, defaultJobOptions: { attempts: 10, removeOnComplete: { age: 3_600 } } })
    const worker = new Worker('orders', async () => ({}), { connection, concurrency: AT_ONCE })
    worker.on('completed', () => processed.done())
    await worker.waitUntilReady()
  },
  events: async times => {
    const all = processed.wait(times)
    await timesAtOnce(times, () => {
      const { key, body } = newEvent()
      return queue.add('event', { body: body.toString() }, { jobId: key })
    })
    await all
  },
})
