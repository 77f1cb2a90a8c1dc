import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'

const receiver = createReceiver({ store: memoryStore() })
const orders = receiver.source({ name: 'orders' })
const broken = receiver.source({ name: 'broken' })
const payments = receiver.source({ name: 'payments', sender: stripe({ secrets: ['whsec_a1b2c3d4e5f6a7b8c9d0'] }) })

const handlers = {
  '/plain': request =>
    handleFetch(orders, request, delivery =>
      Response.json({ order: delivery.json().order, receipt: crypto.randomUUID() }, { status: 201 }),
    ),
  '/signed': request => handleFetch(payments, request, () => new Response('paid')),
  '/broken': request =>
    handleFetch(broken, request, () => {
      throw new Error('the card was declined')
    }),
}

export default { fetch: request => handlers[new URL(request.url).pathname](request) }
