import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'

/** A route that ships an order once. */
export function orders(store) {
  const source = createReceiver({ store }).source({ name: 'orders' })
  return request =>
    handleFetch(source, request, delivery =>
      Response.json({ order: delivery.json().order, receipt: crypto.randomUUID() }, { status: 201 }),
    )
}
