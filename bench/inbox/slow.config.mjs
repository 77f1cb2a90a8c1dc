import { setTimeout as delay } from 'node:timers/promises'

/** Accepts at once and takes its time. */
const handle = async () => {
  await delay(2_000)
  return Response.json({ status: 'success' })
}

export default { sources: { slow: { handle, mode: 'inbox', concurrency: 100, acceptedStatus: 200 } } }
