// As handler.test.mjs, for a project of CommonJS modules.
const { mkdtempSync } = require('node:fs')
const { createServer } = require('node:http')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { createReceiver } = require('hookonce')
const { handleNode } = require('hookonce/adapters/node')
const { sqliteStore } = require('hookonce/stores/sqlite')

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
