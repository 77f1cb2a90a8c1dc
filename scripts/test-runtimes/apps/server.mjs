// An application for node:http: `server.mjs FILE` keeps its records and its orders in that SQLite file, and says where it listens.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createReceiver } from 'hookonce'
import { handleNode } from 'hookonce/adapters/node'
import { sqliteStore } from 'hookonce/stores/sqlite'

const store = sqliteStore(process.argv[2])
const receiver = createReceiver({ store })

const commit = receiver.source({ name: 'commit' })
const handlers = {
  '/plain': handleNode(receiver.source({ name: 'plain' }), (req, res) => {
    res.writeHead(201, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ order: req.body.order, receipt: randomUUID() }))
  }),
  '/commit': handleNode(commit, (req, res, attempt) =>
    attempt.commit(tx => {
      tx.exec('CREATE TABLE IF NOT EXISTS orders (id TEXT)')
      tx.prepare('INSERT INTO orders (id) VALUES (?)').run(req.body.order)
      const { count } = tx.prepare('SELECT count(*) AS count FROM orders').get()
      res.writeHead(201, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ orders: Number(count), receipt: randomUUID() }))
    }),
  ),
}

const server = createServer((req, res) => handlers[req.url](req, res))
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
