import { type Answer, createInbox, createReceiver, type Receiver, StoreError } from 'hookonce'
import { handleLambda } from 'hookonce/adapters/aws-lambda'
import { idempotent as expressIdempotent } from 'hookonce/adapters/express'
import { idempotent as fastifyIdempotent } from 'hookonce/adapters/fastify'
import { handleFetch } from 'hookonce/adapters/fetch'
import { idempotent as koaIdempotent } from 'hookonce/adapters/koa'
import { handleNode } from 'hookonce/adapters/node'
import { SENDERS } from 'hookonce/senders'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { type SqliteTransaction, sqliteStore } from 'hookonce/stores/sqlite'
import { explore, testReceiver } from 'hookonce/testing'
import { storeCases } from 'hookonce/testing/store'

const receiver = createReceiver({ store: sqliteStore('hookonce.db') })
const payments = receiver.source({ name: 'payments', sender: stripe({ secrets: ['whsec_a1b2c3d4e5f6a7b8c9d0'] }) })

export const handle = handleNode(payments, (req, res, attempt) =>
  attempt.commit((tx: SqliteTransaction) => {
    tx.prepare('INSERT INTO payments (id) VALUES (?)').run(String(req.body))
    res.end()
  }),
)
export const fetched: Promise<Response> = handleFetch(payments, new Request('http://localhost'), () => new Response())
export const lambda = handleLambda(payments, () => new Response())
export const middleware = expressIdempotent(receiver)
export const koa = koaIdempotent(payments)
export const plugin = fastifyIdempotent
export const inbox = createInbox({ receiver, handlers: { orders: delivery => console.log(delivery.text()) } })
export const receivers: Receiver<never>[] = [createReceiver({ store: memoryStore() })]
export const stores = [redisStore('redis://localhost'), postgresStore('postgres://localhost/hookonce')]
export const isRefused = (error: unknown): boolean => error instanceof StoreError && error.effect === 'refused'
export const statusOf = ({ status }: Answer): number => status
export const names: string[] = [...SENDERS.keys()]
export const tested = testReceiver({ handler: () => ({ status: 200, headers: [], body: Buffer.from('ok') }) })
export const explored = explore({
  services: () => ({ mails: { send: (to: string) => to.length } }),
  handler: services => async () => {
    await services.mails.send('ann')
    return { status: 200, headers: [], body: Buffer.from('ok') }
  },
  check: ({ mails }) => void mails.send('ben'),
})
export const cases: string[] = storeCases.map(({ name }) => name)
