// Once for each idempotency key, whatever crashes: a payment, and the mail that is to go out for it.
//
//   curl -i localhost:3000/webhook -H 'X-Idempotency-Key: pay-1' --json '{"payment": "pay_123", "cents": 1250}'
//   curl -i localhost:3000/webhook -H 'X-Idempotency-Key: pay-1' --json '{"payment": "pay_123", "cents": 1250}'   # the same
import express from 'express'
import { createReceiver } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/express'
import { postgresStore } from 'hookonce/stores/postgres'
import { createTables, pool } from './database.js'

await createTables()
const receiver = createReceiver({ store: postgresStore(pool) })
const app = express()

app.post('/webhook', idempotent(receiver), async (req, res) => {
  const { payment, cents } = req.body
  const attempt = attemptOf(req, receiver)
  await attempt.commit(async tx => {
    const { rows } = await tx.query('INSERT INTO payments (reference, cents) VALUES ($1, $2) RETURNING id', [
      payment,
      cents,
    ])
    await tx.query('INSERT INTO outbox (topic, payload) VALUES ($1, $2)', ['receipt', { payment, cents }])
    res.status(201).json({ ok: true, id: rows[0].id, attempt: attempt.number })
  })
})

const server = app.listen(Number(process.env.PORT ?? 3000), error => {
  if (error) throw error
  console.log(`listening on http://localhost:${server.address().port}`)
})

process.once('SIGTERM', async () => {
  server.close()
  await receiver.settled()
  await receiver.close()
  await pool.end()
})
