import { setTimeout as delay } from 'node:timers/promises'

/** Works for as long as the delivery says. */
const handle = async delivery => {
  await delay(delivery.json().workMs)
  return Response.json({ status: 'success' })
}

export default { sources: { slow: { handle } } }
