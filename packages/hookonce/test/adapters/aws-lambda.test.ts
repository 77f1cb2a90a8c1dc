import { createHmac } from 'node:crypto'
import type { ALBHandler, APIGatewayProxyHandler, APIGatewayProxyHandlerV2, LambdaFunctionURLHandler } from 'aws-lambda'
import type { Source } from 'hookonce'
import { handleLambda } from 'hookonce/adapters/aws-lambda'
import type { FetchHandler } from 'hookonce/adapters/fetch'
import { hmac } from 'hookonce/senders/hmac'
import { describe, expect, test } from 'vitest'
import { adapterCases } from './cases.js'
import { type Adapter, type Before, deliver, isReplay, listen, receiverOver } from './harness.js'
import { EVENTS, gateway } from './lambda-events.js'
import { webStream } from './web-stream.js'

const SECRET = 'whsec_of_a_test_that_is_long_enough'
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00])

const lambdaAdapter = ({ make, oneValue }: (typeof EVENTS)[string]): Adapter => {
  const answering = (answer: FetchHandler) => (source: Source, before: Before) =>
    gateway(
      make,
      handleLambda(source, async (...args) => {
        await before()
        return answer(...args)
      }),
    )
  const failing = (fail: FetchHandler) => (source: Source, before: Before) =>
    gateway(
      make,
      handleLambda(source, async (...args) => ((await before()) ? fail(...args) : new Response('recovered'))),
    )
  return {
    name: 'AWS Lambda',
    limits: ['whole requests', 'whole responses', ...oneValue],
    listener: (source, handle) =>
      gateway(
        make,
        handleLambda(source, async (delivery, attempt) => {
          const { status = 200, headers = [], body, stream } = await handle({ body: delivery.body, attempt })
          return new Response((stream ? webStream(stream) : body) as string | undefined, { status, headers })
        }),
      ),
    ways: [
      { name: 'text', body: 'done', listener: answering(() => new Response('done')) },
      {
        name: 'json',
        status: 201,
        body: '{"ok":true}',
        listener: answering(() => Response.json({ ok: true }, { status: 201 })),
      },
      { name: '204', status: 204, body: '', listener: answering(() => new Response(null, { status: 204 })) },
    ],
    failures: [
      {
        name: 'thrown',
        listener: failing(() => {
          throw new Error('internal')
        }),
      },
      { name: 'an error response', listener: failing(() => Response.error()) },
    ],
  }
}

describe.each(Object.entries(EVENTS))('a function behind %s', (_, service) => {
  const { make } = service

  adapterCases(lambdaAdapter(service))

  test('a signature is verified over the bytes, of a binary body too', async () => {
    const { receiver } = receiverOver()
    const source = receiver.source({ name: 'orders', sender: hmac({ secrets: [SECRET] }) })
    const { port } = await listen(
      gateway(
        make,
        handleLambda(source, ({ body }) => new Response(body as Uint8Array<ArrayBuffer>)),
      ),
    )
    const signed = (secret: string): [string, string][] => [
      ['content-type', 'image/png'],
      ['x-signature', createHmac('sha256', secret).update(PNG).digest('hex')],
    ]
    for (const replayed of [false, true]) {
      const answer = await deliver(port, { body: PNG, headers: signed(SECRET) })
      expect([answer.status, answer.body.equals(PNG), isReplay(answer)]).toEqual([200, true, replayed])
    }
    expect((await deliver(port, { body: PNG, headers: signed('another') })).status).toBe(401)
  })

  test('path and query arrive as they were sent', async () => {
    const { port } = await listen(
      gateway(
        make,
        handleLambda(receiverOver().source, ({ url }) => new Response(url)),
      ),
    )
    expect((await deliver(port, { path: '/webhook?a=1%2B1&b=c' })).body.toString()).toBe('/webhook?a=1%2B1&b=c')
  })

  test('a response that Lambda refuses is 500, not a broken function', async () => {
    const { source, events } = receiverOver()
    const { port } = await listen(
      gateway(
        make,
        handleLambda(source, () => new Response('x'.repeat(7 * 1024 * 1024))),
      ),
    )
    expect((await deliver(port, { key: 'k' })).status).toBe(500)
    expect(events).toMatchObject([{ type: 'receiver_failed', error: { name: 'RangeError' } }])
  })
})

test('an event of another service fails the invocation: its messages are not done', async () => {
  const handler = handleLambda(receiverOver().source, () => new Response())
  await expect(handler({ Records: [] } as never)).rejects.toThrow(/needs an event of API Gateway/)
})

test('a handler has the types that AWS publishes', async () => {
  const handler = handleLambda(receiverOver().source, () => new Response('done'))
  const typed: [APIGatewayProxyHandler, APIGatewayProxyHandlerV2, LambdaFunctionURLHandler, ALBHandler] = [
    handler,
    handler,
    handler,
    handler,
  ]
  const event = { httpMethod: 'POST', path: '/', headers: {}, body: '', requestContext: {} }
  for (const each of typed) expect(await each(event as never, {} as never, () => {})).toMatchObject({ body: 'done' })
})
