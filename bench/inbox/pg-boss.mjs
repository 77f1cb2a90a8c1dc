/** pg-boss: a job per event, its id the event's. It looks twice a second at most, so it takes large batches. */
import PgBoss from 'pg-boss'
import { answer, countdown, newEvent, timesAtOnce } from './load.mjs'

const LOOK_EVERY_SECONDS = 0.5
const WORKERS = 8
const BATCH = 500

const processed = countdown()
let boss

answer({
  open: async ({ url }) => {
    boss = new PgBoss({ connectionString: url, max: 10 })
    boss.on('error', error => {
      throw error
    })
    await boss.start()
    await boss.createQueue('orders')
    const options = { batchSize: BATCH, pollingIntervalSeconds: LOOK_EVERY_SECONDS }
    for (let at = 0; at < WORKERS; at++) {
      await boss.work('orders', options, async jobs => {
        for (const _ of jobs) processed.done()
      })
    }
  },
  events: async times => {
    const all = processed.wait(times)
    await timesAtOnce(times, () => {
      const { key, body } = newEvent()
      return boss.send('orders', { body: body.toString() }, { id: key, retryLimit: 10 })
    })
    await all
  },
})
