import { createReceiver } from 'hookonce'
import { hmac } from 'hookonce/senders/hmac'
import { sqliteStore } from 'hookonce/stores/sqlite'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
const secret = process.env.SHOP_SECRET ?? 'a-secret-for-development-only'

export const orders = receiver.source({ name: 'orders' })
/** Signed: nothing runs that the shop did not send. */
export const shop = receiver.source({ name: 'shop', sender: hmac({ secrets: [secret] }) })

/** @type {import('hookonce/adapters/fetch').FetchHandler} */
export async function takeOrder(delivery, attempt) {
  const { event } = delivery.json()
  if (event !== 'order.paid') throw new Error(`no such event: ${event}`)
  return Response.json({ ok: true, event, attempt: attempt.number })
}

// SvelteKit's server on Node.js emits this when no request is left.
process.once('sveltekit:shutdown', async () => {
  await receiver.settled()
  await receiver.close()
})
