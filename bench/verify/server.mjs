/** First deliveries over HTTP, without a sender; `GET /cpu` tells the CPU that this process used, in µs. */
import { createServer } from 'node:http'
import { createReceiver } from 'hookonce'
import { handleNode } from 'hookonce/adapters/node'
import { memoryStore } from 'hookonce/stores/memory'

const source = createReceiver({ store: memoryStore() }).source({ name: 'bench' })
const deliver = handleNode(source, (_req, res) => res.end('{"ok":true}'))

const server = createServer((req, res) => {
  if (req.url !== '/cpu') return deliver(req, res)
  const { user, system } = process.cpuUsage()
  res.end(String(user + system))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
