import express from 'express'
import { createReceiver } from 'hookonce'
import { idempotent } from 'hookonce/adapters/express'
import { sqliteStore } from 'hookonce/stores/sqlite'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
const app = express()
let orders = 0

// Before body parsers: idempotent() reads the body itself, since the raw bytes are what is compared.
app.post('/webhook', idempotent(receiver), (req, res) => {
  orders += 1
  res.status(201).json({ ok: true, order: orders, payment: req.body.data.payment_id })
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
