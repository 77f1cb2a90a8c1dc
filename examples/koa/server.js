import Router from '@koa/router'
import { createReceiver } from 'hookonce'
import { attemptOf, idempotent } from 'hookonce/adapters/koa'
import { sqliteStore } from 'hookonce/stores/sqlite'
import Koa from 'koa'

const receiver = createReceiver({ store: sqliteStore('./data/hookonce.db') })
const orders = receiver.source({ name: 'orders' })
const router = new Router()
let count = 0

// Before body parsers: idempotent() reads the body itself, since the raw bytes are what is compared.
router.post('/webhook', idempotent(orders), ctx => {
  count += 1
  ctx.status = 201
  ctx.body = { ok: true, order: count, event: ctx.request.body.event, attempt: attemptOf(ctx).number }
})

const app = new Koa()
app.use(router.routes())

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`listening on http://localhost:${server.address().port}`)
})

process.once('SIGTERM', async () => {
  server.close()
  await receiver.settled()
  await receiver.close()
})
