import express from 'express'
import { createReceiver } from 'hookonce'
import { idempotent } from 'hookonce/adapters/express'
import { stripe } from 'hookonce/senders/stripe'
import { sqliteStore } from 'hookonce/stores/sqlite'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
// Two while one is rolled: STRIPE_SECRET=whsec_new,whsec_old
const secrets = (process.env.STRIPE_SECRET ?? '').split(',')
const events = receiver.source({ name: 'stripe', sender: stripe({ secrets }) })

const app = express()
let orders = 0

// Before body parsers: the signature is over the raw bytes.
app.post('/webhook', idempotent(events), (req, res) => {
  const { type, data } = req.body
  // Types that are not for here are taken too, or Stripe would send them again for days.
  if (type !== 'payment_intent.succeeded') return res.json({ ignored: type })
  orders += 1
  res.json({ order: orders, payment: data.object.id })
})

const server = app.listen(Number(process.env.PORT ?? 3000), error => {
  if (error) throw error
  console.log(`listening on http://localhost:${server.address().port}`)
})

process.once('SIGTERM', async () => {
  server.close()
  await receiver.settled()
  await receiver.close()
})
