import type { ServerResponse } from 'node:http'
import { BadRequestException } from '@nestjs/common'
import type { ExpressRequest } from '../express.js'
import { rememberAttempt } from '../node/attempt-of.js'
import { serve } from '../node/handle-request.js'
import { parsedBody, readBefore } from '../node/read-body.js'
import type { WebhookMark, Webhooks } from './webhooks.js'

/** The part of Nest's adapter for Express that is changed. */
export interface ExpressAdapter {
  registerParserMiddleware(prefix?: string, rawBody?: boolean): unknown
  useBodyParser(type: string, rawBody: boolean, ...options: unknown[]): unknown
}

/** Nest's body parsers read before any guard: they are to keep the bytes, whatever the application's `rawBody` is. */
export function keepRawBodies(adapter: ExpressAdapter): void {
  const { registerParserMiddleware, useBodyParser } = adapter
  adapter.registerParserMiddleware = prefix => registerParserMiddleware.call(adapter, prefix, true)
  adapter.useBodyParser = (type, _, ...options) => useBodyParser.call(adapter, type, true, ...options)
}

/** Processes a webhook. Resolves when its handler is to run; otherwise the answer is sent. */
export function receiveExpress(
  webhooks: Webhooks,
  mark: WebhookMark,
  req: ExpressRequest,
  res: ServerResponse,
): Promise<true> {
  // An application that is mounted in another one does not know its whole path.
  const pattern = req.baseUrl ? undefined : req.route?.path
  const source = webhooks.sourceOf(mark, pattern)
  let read: Buffer | undefined
  try {
    read = readBefore(req, '@Webhook()')
  } catch (error) {
    source.failed(error)
    throw error
  }
  return new Promise((resolve, reject) => {
    const run = (rawBody: Buffer, attempt: Parameters<typeof rememberAttempt>[1]) => {
      // Nest unsubscribes from an observable when the request's socket closes; the response's looks connected.
      if (res.socket) req.socket = res.socket
      rememberAttempt(req, attempt, source, webhooks.given(mark))
      req.rawBody = rawBody
      try {
        if (read === undefined) req.body = parsedBody(req, rawBody)
        resolve(true)
      } catch {
        reject(new BadRequestException('The body is not valid JSON'))
      }
    }
    serve(source, req, res, run, read)
  })
}
