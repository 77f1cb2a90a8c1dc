import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../scripts/test-servers/postgres.js'
import { TOOL_TIMEOUT_MS } from '../../scripts/test-tools/index.js'
import { PAYMENT, pay } from './support/payment.js'
import { inRepository, start } from './support/process.js'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
}, TOOL_TIMEOUT_MS)

afterAll(() => server?.stop())

test('AWS Lambda: instances of a function share the record of a payment, which is entered once', async () => {
  const instance = () =>
    start(process.execPath, [inRepository('examples/aws-lambda/local.js')], {
      env: { PORT: '0', DATABASE_URL: server.url },
    })
  const [one, other] = await Promise.all([instance(), instance()])
  const first = await pay(one.url)
  expect(first).toEqual({ status: 200, cached: false, body: `{"ok":true,"payment":"${PAYMENT.payment}","attempt":1}` })
  expect(await pay(other.url)).toEqual({ ...first, cached: true })
})
