import { createReceiver } from 'hookonce'
import { handleFetch } from 'hookonce/adapters/fetch'
import { sqliteStore } from 'hookonce/stores/sqlite'
import { defineHandler } from 'nitro/h3'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
const orders = receiver.source({ name: 'orders' })

export default defineHandler(event =>
  handleFetch(orders, event.req, async (delivery, attempt) => {
    const { event: type } = delivery.json()
    return Response.json({ ok: true, event: type, attempt: attempt.number })
  }),
)
