import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'

/** A route that ships an order once. */
export function orders(store, sender) {
  const source = createReceiver({ store }).source({ name: 'orders', sender })
  return request =>
    handleFetch(source, request, delivery => {
      const { order } = delivery.json()
      if (order === 'unknown') throw new Error('there is no such order')
      return Response.json({ order, receipt: crypto.randomUUID() }, { status: 201 })
    })
}
