import { beforeAll, expect, test } from 'vitest'
import { requireTool, TOOL_TIMEOUT_MS } from '../../scripts/test-tools/index.js'
import { inRepository, runToEnd, start } from './support/process.js'
import { type Fate, unreliable } from './support/unreliable.js'

let python: string

beforeAll(async () => {
  python = await requireTool('python')
}, TOOL_TIMEOUT_MS)

const EXAMPLE = inRepository('examples/fastapi')

const startApplication = () =>
  start(python, ['-B', '-m', 'uvicorn', 'app:app', '--app-dir', EXAMPLE, '--host', '127.0.0.1', '--port', '0'])

const startReceiver = (application: string) =>
  start(process.execPath, [inRepository('packages/server/dist/cli.js')], {
    env: { PORT: '0', HOOKONCE_FORWARD_TO: `${application}/hooks` },
  })

/** What client.py says of its answer, and on the way to it. */
async function send(url: string) {
  const { code, output } = await runToEnd(python, ['-B', `${EXAMPLE}/client.py`, `${url}/webhook`])
  expect({ code, output }).toMatchObject({ code: 0 })
  const lines = output.trim().split('\n')
  return { answer: JSON.parse(lines.at(-1)!), troubles: lines.slice(0, -1) }
}

const BODY = { ok: true, payment: 'pay_123' }
const payment = (key: string, attempt: number) => ({
  key,
  attempt,
  payment_id: 'pay_123',
  amount: 100.5,
  currency: 'USD',
})

/** Sends one event over two networks: from the sender to the receiver, and from there to the application. */
async function sendOver({ toReceiver = [], toApplication = [] }: { toReceiver?: Fate[]; toApplication?: Fate[] }) {
  const application = await startApplication()
  const receiver = await startReceiver(await unreliable(application.url, toApplication))
  const sent = await send(await unreliable(receiver.url, toReceiver))
  const payments = await (await fetch(`${application.url}/payments`)).json()
  return { ...sent, payments }
}

test('FastAPI: the application sees the key and the attempt', async () => {
  const { answer, troubles, payments } = await sendOver({})
  expect(troubles).toEqual([])
  expect(answer).toEqual({ key: expect.stringMatching(/^payment-/), status: 200, cached: false, body: BODY })
  expect(payments).toEqual([payment(answer.key, 1)])
})

test('FastAPI: the client retries over a refusal and a lost answer, and the event is processed once', async () => {
  const { answer, troubles, payments } = await sendOver({ toReceiver: ['refuse', 'lose answer'] })
  expect(troubles).toEqual([
    'attempt 1: answered 503; next in 1.0 s',
    expect.stringMatching(/^attempt 2: network error: RemoteDisconnected/),
  ])
  expect(answer).toMatchObject({ status: 200, cached: true, body: BODY })
  expect(payments).toEqual([payment(answer.key, 1)])
})

test('FastAPI: an application that fails once gets the event again, as the next attempt', async () => {
  const { answer, troubles, payments } = await sendOver({ toApplication: ['refuse'] })
  expect(troubles).toEqual(['attempt 1: answered 503; next in 1.0 s'])
  expect(answer).toMatchObject({ status: 200, cached: false, body: BODY })
  expect(payments).toEqual([payment(answer.key, 2)])
})

test("FastAPI: when the application's answer is lost it gets the event again, under the same key", async () => {
  const { answer, troubles, payments } = await sendOver({ toApplication: ['lose answer'] })
  expect(troubles).toEqual([expect.stringMatching(/^attempt 1: answered 502/)])
  expect(answer).toMatchObject({ status: 200, cached: false, body: BODY })
  expect(payments).toEqual([payment(answer.key, 1), payment(answer.key, 2)])
})
