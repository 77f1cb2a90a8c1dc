import { createReceiver } from 'hookonce'
import { handleLambda } from 'hookonce/adapters/aws-lambda'
import { postgresStore } from 'hookonce/stores/postgres'

// Outside of the handler: instances of a function are used again, and so are their connections.
const receiver = createReceiver({
  store: postgresStore(process.env.DATABASE_URL, { poolSize: 4 }),
  // Less than the function's time limit (here 30 s), so that its sender gets an answer.
  lockTtlMs: 25_000,
})
const payments = receiver.source({ name: 'payments' })

export const handler = handleLambda(payments, async (delivery, attempt) =>
  attempt.commit(async tx => {
    const { payment, cents } = delivery.json()
    await tx.query('CREATE TABLE IF NOT EXISTS payments (reference text, cents integer)')
    await tx.query('INSERT INTO payments (reference, cents) VALUES ($1, $2)', [payment, cents])
    return Response.json({ ok: true, payment, attempt: attempt.number })
  }),
)
