import { setTimeout as delay } from 'node:timers/promises'

export const HANDLER_MS = 50

const handle = async () => {
  await delay(HANDLER_MS)
  return Response.json({ status: 'success' })
}

export default { sources: { busy: { handle } } }
