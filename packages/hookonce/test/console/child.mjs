// An application of somebody who makes one mistake: argv[2] says which. It serves one delivery and ends.
import { createServer } from 'node:http'
import { createReceiver } from 'hookonce'
import { handleNode } from 'hookonce/adapters/node'
import { memoryStore } from 'hookonce/stores/memory'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { sqliteStore } from 'hookonce/stores/sqlite'

const [, , mistake, file] = process.argv

const stores = {
  redis: () => redisStore('redis://127.0.0.1:1'),
  postgres: () => postgresStore('postgres://127.0.0.1:1/none'),
  sqlite: () => sqliteStore(file),
}

const options = {
  store: (stores[mistake] ?? memoryStore)(),
  ...(mistake === 'option' && { retentionMS: 86_400_000 }),
}

const charge = async () => {
  throw new Error('the card was declined', { cause: new Error('402 from the bank') })
}

const source = createReceiver(options).source({ name: 'orders' })
const handle = handleNode(source, charge)

const server = createServer((req, res) => {
  if (mistake === 'body') req.on('data', () => {}).on('end', () => handle(req, res))
  else handle(req, res)
}).listen(0, '127.0.0.1', async () => {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
  })
  console.log(response.status)
  process.exit()
})
