import { type AttemptWith, type CommitOf, withCommit } from '../engine/attempt.js'
import { andThen, mapCommit } from '../engine/commit.js'
import { Delivery } from '../http/delivery.js'
import type { Answer, HandlerResponse } from '../http/response.js'
import type { Handler, Source } from '../receiver/source.js'
import { checkSource } from './given.js'

/**
 * Answers one delivery with a `Response` or a {@link HandlerResponse}. An error that it throws fails the attempt and is
 * never sent. `attempt.commit` exists where the receiver's store has transactions. If their effects are synchronous, it
 * takes a `HandlerResponse` only (`jsonResponse`), because the body of a `Response` is read asynchronously.
 */
export type FetchHandler<Kind = never> = (
  delivery: Delivery,
  attempt: AttemptWith<Kind, FetchResponse, HandlerResponse>,
) => FetchResponse | Promise<FetchResponse>

export type FetchResponse = Response | HandlerResponse

/** A `Response` with one of these statuses accepts no body, not even an empty one (Fetch §2.2.3). */
const NULL_BODY = new Set([204, 205, 304])

/**
 * Processes a `Request` once per idempotency key, in frameworks and runtimes with web requests and responses: Hono,
 * Next.js, Bun, Deno, workers.
 *
 * Pass the request unread: its raw bytes are fingerprinted and verified.
 *
 * @throws {ConfigurationError} `source` is not a source
 * @throws {TypeError} the body was read before
 * @throws the error of the body's stream, e.g. when the sender disconnects
 *
 * @example
 * const orders = receiver.source({ name: 'orders' })
 * app.post('/webhook', c => handleFetch(orders, c.req.raw, async (delivery, attempt) => {
 *   await ship(delivery.json(), { idempotencyKey: attempt.keyFor('ship') })
 *   return Response.json({ ok: true })
 * }))
 */
export async function handleFetch<Kind>(
  source: Source<Kind>,
  request: Request,
  handler: FetchHandler<Kind>,
): Promise<Response> {
  checkSource(name => `handleFetch(${name}, request, handler)`, source)
  if (request.bodyUsed || request.body?.locked) {
    throw new TypeError('The request body was read before handleFetch: hand over the request untouched')
  }
  const { pathname, search } = new URL(request.url)
  const head = { method: request.method, url: pathname + search, headers: request.headers }
  const refused = source.refusal(head)
  if (refused !== undefined) {
    await request.body?.cancel().catch(() => {})
    return toResponse(refused)
  }
  const body = await readBody(request, source.maxBodyBytes)
  if (!body) return toResponse(source.tooLarge())
  const delivery = new Delivery({ ...head, body })
  return toResponse(await source.receive(delivery, fetchHandler(handler, source.maxResponseBytes)))
}

/**
 * Adapts a {@link FetchHandler} to `Source.receive`.
 *
 * @example const source = receiver.source({ name: 'orders' }) const answer = await source.receive(delivery,
 * fetchHandler(() => Response.json({ ok: true }), source.maxResponseBytes))
 */
export function fetchHandler<Kind>(handler: FetchHandler<Kind>, maxResponseBytes: number): Handler<Kind> {
  return async (delivery, attempt) => {
    // A body can be read once, and the handler may return the response that it committed.
    const committed = new Map<FetchResponse, HandlerResponse>()
    const plain = (response: FetchResponse): HandlerResponse | Promise<HandlerResponse> =>
      committed.get(response) ?? (isPlain(response) ? response : toHandlerResponse(response, maxResponseBytes))
    const { commit } = attempt as { commit?: CommitOf<HandlerResponse> }
    const remembered = (response: FetchResponse) =>
      andThen(plain(response), made => {
        committed.set(response, made)
        return made
      })
    return plain(await handler(delivery, withCommit(attempt, commit && mapCommit(commit, remembered))))
  }
}

/** Not instanceof: a framework's own Response class is as good. */
const isPlain = (response: FetchResponse): response is HandlerResponse =>
  Array.isArray((response as HandlerResponse | undefined)?.headers)

/**
 * Converts a web `Response`: its body up to `maxResponseBytes`, and what follows as `rest`. An error of the body's
 * stream rejects up to that limit; after it, iterating `rest` throws.
 *
 * @throws {TypeError} the response is an error response, its body was read before, or its stream has other than bytes
 *
 * @example
 * const source = receiver.source({ name: 'orders' })
 * const handle: Handler = async () => toHandlerResponse(Response.json({ ok: true }), source.maxResponseBytes)
 */
export async function toHandlerResponse(response: Response, maxResponseBytes: number): Promise<HandlerResponse> {
  // Not instanceof: a framework's own Response class is as good.
  if (typeof response?.status !== 'number' || !response.headers) throw new TypeError('The handler returned no Response')
  if (response.status < 200) throw new TypeError('The handler returned an error response')
  if (response.bodyUsed) throw new TypeError('The handler returned a Response whose body was already read')
  const { status } = response
  const headers: [string, string][] = []
  // Framing is up to the adapter that sends the response.
  for (const [name, value] of response.headers) if (name !== 'transfer-encoding') headers.push([name, value])
  if (!response.body) return { status, headers, body: new Uint8Array() }

  const reader: ByteReader = response.body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  while (size <= maxResponseBytes) {
    const { done, value } = await reader.read()
    if (done) return { status, headers, body: concat(chunks, size) }
    if (!ArrayBuffer.isView(value)) {
      await reader.cancel().catch(() => {})
      throw new TypeError("The response's stream holds something other than bytes")
    }
    chunks.push(value)
    size += value.byteLength
  }
  return { status, headers, body: concat(chunks, size), rest: remainder(reader) }
}

type ByteReader = ReadableStreamDefaultReader<Uint8Array>

/** The whole body, or `undefined` if it is larger than `limit`: reading stops there. */
async function readBody(request: Request, limit: number): Promise<Uint8Array | undefined> {
  if (!request.body) return new Uint8Array()
  if (Number(request.headers.get('content-length')) > limit) {
    await request.body.cancel().catch(() => {})
    return undefined
  }
  const reader: ByteReader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return concat(chunks, size)
    size += value.byteLength
    if (size > limit) {
      await reader.cancel().catch(() => {})
      return undefined
    }
    chunks.push(value)
  }
}

function concat(chunks: Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

/** Not a generator: `return()` before the first `next()` does not reach a `finally`, and the stream leaks. */
function remainder(reader: ByteReader): AsyncIterableIterator<Uint8Array> {
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? { done, value: undefined } : { done, value }
    },
    async return() {
      await reader.cancel().catch(() => {})
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function toResponse(answer: Answer): Response {
  const { status, body, rest } = answer
  const headers = new Headers()
  for (const [name, value] of answer.headers) if (name !== 'content-length') headers.append(name, value)
  if (NULL_BODY.has(status)) return new Response(null, { status, headers })
  if (rest) return new Response(stream(body, rest), { status, headers })
  headers.set('content-length', String(body.byteLength))
  return new Response(body as Uint8Array<ArrayBuffer>, { status, headers })
}

function stream(body: Uint8Array, rest: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = rest[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(body)
    },
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
