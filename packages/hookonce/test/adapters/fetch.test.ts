import { Delivery, type Source } from 'hookonce'
import { type FetchHandler, handleFetch, toHandlerResponse } from 'hookonce/adapters/fetch'
import { describe, expect, test } from 'vitest'
import { adapterCases } from './cases.js'
import { bridge } from './fetch-bridge.js'
import { type Adapter, type Before, type Failure, receiverOver, type Way } from './harness.js'
import { webStream } from './web-stream.js'

const listener = (source: Source, before: Before, answer: FetchHandler) =>
  bridge(request =>
    handleFetch(source, request, async (...args) => {
      await before()
      return answer(...args)
    }),
  )

const way = (name: string, answer: FetchHandler, body: string, more: Partial<Way> = {}): Way => ({
  name,
  body,
  ...more,
  listener: (source, before) => listener(source, before, answer),
})

const failure = (name: string, fail: FetchHandler): Failure => ({
  name,
  listener: (source, before) =>
    bridge(request =>
      handleFetch(source, request, async (...args) => ((await before()) ? fail(...args) : new Response('recovered'))),
    ),
})

const streamed = (...parts: (string | Error)[]) =>
  new ReadableStream({
    pull(controller) {
      const part = parts.shift()
      if (part === undefined) controller.close()
      else if (part instanceof Error) controller.error(part)
      else controller.enqueue(Buffer.from(part))
    },
  })

const used = async () => {
  const response = new Response('half')
  await response.text()
  return response
}

const fetchAdapter: Adapter = {
  name: 'fetch',
  listener: (source, handle) =>
    bridge(request =>
      handleFetch(source, request, async (delivery, attempt) => {
        const { status = 200, headers = [], body, stream } = await handle({ body: delivery.body, attempt })
        const content = stream ? webStream(stream) : body
        return new Response(content as string | undefined, { status, headers })
      }),
    ),
  ways: [
    way('no body', () => new Response(), ''),
    way('204', () => new Response(null, { status: 204 }), '', { status: 204 }),
    way('an empty body', () => new Response(''), ''),
    way('text', () => new Response('done'), 'done', { headers: { 'content-type': 'text/plain;charset=UTF-8' } }),
    way('json', () => Response.json({ ok: true }, { status: 201 }), '{"ok":true}', { status: 201 }),
    way('a stream', () => new Response(streamed('one', 'two')), 'onetwo'),
    way('a stream with a length', () => new Response(streamed('a'), { headers: { 'content-length': '1' } }), 'a'),
  ],
  failures: [
    failure('thrown', () => {
      throw new Error('internal')
    }),
    failure('rejected', async () => {
      throw new Error('internal')
    }),
    failure('a stream that fails', () => new Response(streamed('half', new Error('internal')))),
    failure('nothing returned', () => undefined as unknown as Response),
    failure('an error response', () => Response.error()),
    failure('a response read before', used),
    failure(
      'a stream of something else',
      () => new Response(new ReadableStream({ start: c => c.enqueue('half' as never) })),
    ),
  ],
}

adapterCases(fetchAdapter)

describe('fetch alone', () => {
  const at = (body: string) => new Request('http://host/webhook?x=1#y', { method: 'POST', body })

  test('a delivery has path and query, and the bytes', async () => {
    let seen: Delivery | undefined
    await handleFetch(receiverOver().source, at('a'), delivery => {
      seen = delivery
      return new Response()
    })
    expect(seen).toBeInstanceOf(Delivery)
    expect([seen!.url, seen!.path, seen!.text()]).toEqual(['/webhook?x=1', '/webhook', 'a'])
  })

  test('a body that was read before is refused, not taken for an empty one', async () => {
    const request = at('a')
    await request.text()
    const answer = handleFetch(receiverOver().source, request, () => new Response())
    await expect(answer).rejects.toThrow(/read before handleFetch/)
  })

  test('a remainder that is not sent stops its stream, even before the first chunk is read', async () => {
    let cancelled = false
    const body = new ReadableStream({
      pull: controller => controller.enqueue(new Uint8Array(10)),
      cancel: () => {
        cancelled = true
      },
    })
    const { body: begin, rest } = await toHandlerResponse(new Response(body), 15)
    expect(begin).toHaveLength(20)
    await rest![Symbol.asyncIterator]().return!()
    expect(cancelled).toBe(true)
  })

  test('an error after the recorded part ends the remainder with it', async () => {
    const response = new Response(streamed('12345', new Error('broken')))
    const { rest } = await toHandlerResponse(response, 4)
    await expect(rest![Symbol.asyncIterator]().next()).rejects.toThrow('broken')
  })
})
