import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createReceiver } from 'hookonce'
import { hmac } from 'hookonce/senders/hmac'
import { memoryStore } from 'hookonce/stores/memory'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { FRAMEWORKS } from './frameworks.js'
import { deliver, isReplay, listen, receiverOver, repeated } from './harness.js'

const SECRET = 'whsec_of_a_test_that_is_long_enough'
const BODY = '{ "event":  "order.paid" }'

/** What is written on the console: by the process, for its warnings, and by the framework. */
function readConsole(): string[] {
  const written: string[] = []
  const onWarning = (warning: Error & { detail?: string }) => written.push(`${warning.message} ${warning.detail ?? ''}`)
  process.on('warning', onWarning)
  const spy = vi
    .spyOn(console, 'error')
    .mockImplementation((...words) => void written.push(words.map(String).join(' ')))
  onTestFinished(() => {
    process.off('warning', onWarning)
    spy.mockRestore()
  })
  return written
}

describe.each(Object.entries(FRAMEWORKS))('%s', (name, framework) => {
  test('a delivery that is sent twice runs once, and the second answer is the first, byte for byte', async () => {
    let runs = 0
    const { port } = await listen(framework(receiverOver().source, got => ({ run: ++runs, got })))
    const first = await deliver(port, { key: 'k', body: BODY })
    const second = await deliver(port, { key: 'k', body: BODY })
    expect(JSON.parse(first.body.toString())).toEqual({ run: 1, got: { event: 'order.paid' } })
    expect([isReplay(first), isReplay(second)]).toEqual([false, true])
    expect(repeated(second)).toEqual(repeated(first))
  })

  test('an error that the handler throws is 500, and is seen on the console', async () => {
    const written = readConsole()
    const receiver = createReceiver({ store: memoryStore() })
    const source = receiver.source({ name: name.replace(/\W+/g, '-') })
    const { port } = await listen(
      framework(source, () => {
        throw new Error('the card was declined')
      }),
    )
    expect((await deliver(port, { key: 'k' })).status).toBe(500)
    await vi.waitFor(() => expect(written.join('\n')).toContain('the card was declined'), 20_000)
  })

  test("a signature is verified over the raw body, behind the framework's own parser", async () => {
    let runs = 0
    const source = receiverOver().receiver.source({ name: 'orders', sender: hmac({ secrets: [SECRET] }) })
    const { port } = await listen(framework(source, got => ({ run: ++runs, got })))
    const signed = (body: string) => ({
      body,
      headers: [
        ['content-type', 'application/json'],
        ['x-signature', createHmac('sha256', SECRET).update(BODY).digest('hex')],
      ] as [string, string][],
    })
    expect(JSON.parse((await deliver(port, signed(BODY))).body.toString())).toEqual({
      run: 1,
      got: { event: 'order.paid' },
    })
    // The same JSON in other bytes.
    expect((await deliver(port, signed(JSON.stringify(JSON.parse(BODY))))).status).toBe(401)
    expect(runs).toBe(1)
  })
})

/** Built or installed apart: `nest-11.test.ts`, `examples/test/frameworks.test.ts` and `scripts/test-runtimes/next.check.ts` try these. */
const ELSEWHERE = ['NestJS 11 on Express', 'NestJS 11 on Fastify', 'Next.js 16', 'SvelteKit 2', 'Nitro 3']

test('the reference names each framework that is tried, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/reference/frameworks.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| ([^|]+) \| `(?:hookonce|handle)/gm)].map(([, name]) => name)
  expect(rows.sort()).toEqual([...Object.keys(FRAMEWORKS), ...ELSEWHERE].sort())
})
