// The same in Jest and in vitest, whose `test` and `expect` are globals.
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReceiver } from 'hookonce'
import { handleNode } from 'hookonce/adapters/node'
import { sqliteStore } from 'hookonce/stores/sqlite'

test('an order is shipped once, however often it is delivered', async () => {
  const store = sqliteStore(join(mkdtempSync(join(tmpdir(), 'orders-')), 'hookonce.db'))
  const orders = createReceiver({ store }).source({ name: 'orders' })
  let shipped = 0
  const handle = handleNode(orders, (_, res) => res.end(`shipped ${++shipped}`))
  const server = createServer(handle)
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  const deliver = async () =>
    (await fetch(url, { method: 'POST', body: '{}', headers: { 'idempotency-key': 'k' } })).text()
  expect([await deliver(), await deliver()]).toEqual(['shipped 1', 'shipped 1'])
  await new Promise(resolve => server.close(resolve))
  await store.close()
})
