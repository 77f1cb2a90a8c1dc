import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attempt } from '../engine/attempt.js'
import type { Source } from '../receiver/source.js'
import { checkSource } from './given.js'
import { attemptFor, rememberAttempt } from './node/attempt-of.js'
import { serve } from './node/handle-request.js'
import { parsedBody, readBefore } from './node/read-body.js'

export { attemptOf } from './node/attempt-of.js'

/** The part of a Koa context that `idempotent` uses. */
export interface KoaContext {
  req: IncomingMessage
  res: ServerResponse
  request: object
  originalUrl: string
  respond?: boolean | undefined
  throw(status: number, message: string): never
}

/**
 * Koa middleware: what follows it runs once per idempotency key, and the response that Koa makes of the context is
 * recorded and replayed. Works with Koa 3 over HTTP/1.
 *
 * The middleware reads the body, so mount it before body parsers. `ctx.request.rawBody` has the bytes,
 * `ctx.request.body` JSON and forms parsed, and other bodies as a Buffer. `ctx.req` can be read again, by
 * `multipart/form-data` parsers that follow. A parser that is mounted earlier must keep the bytes as a Buffer in
 * `ctx.req.rawBody`; otherwise every delivery fails, and is reported as `receiver_failed`.
 *
 * Middleware mounted earlier runs for every delivery. What it sets on the response before is on every answer, replays
 * included, and is not recorded. For a duplicate the rest of the chain is skipped and `ctx.respond` is false.
 *
 * Errors go Koa's usual way; the answer is sent and, unless successful, not recorded. An error without a status below
 * 500 is also reported as `handler_threw`. `attemptOf(ctx)` is the attempt; effects of its `commit` end `ctx.res`, with
 * `ctx.respond = false`.
 *
 * @throws {ConfigurationError} `source` is not a source
 *
 * @example
 * router.post('/webhook', idempotent(receiver.source({ name: 'orders' })), ctx => {
 *   ctx.body = { ok: true }
 * })
 */
export function idempotent<Kind>(
  source: Source<Kind>,
): (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void> {
  checkSource(name => `idempotent(${name})`, source)
  return async (ctx, next) => {
    if (attemptFor(ctx) !== undefined) throw new Error('idempotent() is mounted twice on this route')
    let read: Buffer | undefined
    try {
      read = readBefore(ctx.req, 'idempotent()')
    } catch (error) {
      source.failed(error)
      throw error
    }
    const req = Object.assign(ctx.req, { originalUrl: ctx.originalUrl })
    const { res } = ctx
    let attempt: Attempt | undefined
    let rawBody: Buffer | undefined
    await new Promise<void>(resolve => {
      const run = (bytes: Buffer, started: Attempt) => {
        rawBody = bytes
        attempt = started
        resolve()
      }
      serve(source, req, res, run, read).then(resolve)
    })
    if (attempt === undefined || rawBody === undefined) {
      ctx.respond = false
      return
    }
    // Koa asks Node's own fields, which say that the response is over when a 504 was sent while the handler goes on.
    Object.defineProperty(ctx, 'writable', { get: () => !res.writableEnded })
    rememberAttempt(ctx, attempt, source, source)
    Object.assign(ctx.request, { rawBody })
    if (read === undefined) Object.assign(ctx.request, { body: bodyOf(ctx, rawBody) })
    try {
      await next()
    } catch (error) {
      if (statusOf(error) >= 500) source.failed(error, attempt)
      throw error
    }
  }
}

function bodyOf(ctx: KoaContext, rawBody: Buffer): unknown {
  try {
    return parsedBody(ctx.req, rawBody)
  } catch {
    return ctx.throw(400, 'The body is not valid JSON')
  }
}

function statusOf(error: unknown): number {
  const { status, statusCode = status } = (error ?? {}) as { status?: unknown; statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode : 500
}
