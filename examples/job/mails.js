import { appendFile } from 'node:fs/promises'
import { createIdempotency } from 'hookonce'
import { sqliteStore } from 'hookonce/stores/sqlite'

const WEEK_MS = 7 * 24 * 3600 * 1000

const orders = [
  { id: 'order-1', email: 'ada@example.com' },
  { id: 'order-2', email: 'alan@example.com' },
  { id: 'order-3', email: 'grace@example.com' },
]

const store = sqliteStore('./data/hookonce.db')
const idempotency = createIdempotency({ store, retentionMs: WEEK_MS })

for (const order of orders) {
  const { value, replayed } = await idempotency.run({ scope: 'mails', key: order.id }, () => sendMail(order))
  console.log(`${order.id}: ${replayed ? 'was sent before' : 'sent'}, ${value.messageId}`)
}
await store.close()

/** Stands for your mail provider: a line in outbox.txt is a mail that went out. */
async function sendMail({ id, email }) {
  const messageId = crypto.randomUUID()
  await appendFile('outbox.txt', `${id} ${email} ${messageId}\n`)
  return { messageId }
}
