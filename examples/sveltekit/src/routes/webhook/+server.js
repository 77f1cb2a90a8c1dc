import { handleFetch } from 'hookonce/adapters/fetch'
import { orders } from '$lib/server/orders.js'

export const POST = ({ request }) =>
  handleFetch(orders, request, async (delivery, attempt) => {
    const { event } = delivery.json()
    return Response.json({ ok: true, event, attempt: attempt.number })
  })
