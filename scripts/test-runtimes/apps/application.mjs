// What each runtime and each bundle serves: one path records an answer, the other commits an effect with it.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

/** Serves with what is given of the package, keeps records and orders in the SQLite file, and says where it listens. */
export function serve({ createReceiver, handleNode, sqliteStore }, file) {
  const receiver = createReceiver({ store: sqliteStore(file) })
  const handlers = {
    '/plain': handleNode(receiver.source({ name: 'plain' }), (req, res) => {
      res.writeHead(201, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ order: req.body.order, receipt: randomUUID() }))
    }),
    '/commit': handleNode(receiver.source({ name: 'commit' }), (req, res, attempt) =>
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
}
