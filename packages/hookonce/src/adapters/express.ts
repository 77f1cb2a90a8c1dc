import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attempt } from '../attempt.js'
import type { Source } from '../receiver.js'
import { hasAttempt, rememberAttempt } from './node/attempts.js'
import { parsedBody } from './node/body.js'
import { serve } from './node/serve.js'

export { attemptOf } from './node/attempts.js'

/** What `idempotent` needs of an Express request. */
export interface ExpressRequest extends IncomingMessage {
  originalUrl?: string
  // biome-ignore lint/suspicious/noExplicitAny: as Express types it
  body?: any
  rawBody?: unknown
}

/**
 * Express middleware: what follows it in the route runs once for an idempotency key, and its answer, given in whatever
 * way, is recorded and replayed. Works with Express 4 and 5.
 *
 * It reads the body itself, so mount it before body parsers. `req.rawBody` has the bytes, `req.body` JSON and form
 * bodies parsed and others as a Buffer. A parser that came first must leave the bytes in `req.rawBody`.
 *
 * Headers that earlier middleware set are on every answer, replays included, and are not recorded. Errors go Express'
 * usual way; what its error handling answers is sent and, unless successful, not recorded.
 *
 * @example
 * app.post('/webhook', idempotent(receiver), (req, res) => res.json({ ok: true }))
 */
export function idempotent<Kind>(
  source: Source<Kind>,
): (req: ExpressRequest, res: ServerResponse, next: (error?: unknown) => void) => void {
  return (req, res, next) => {
    if (hasAttempt(req)) {
      next(new Error('idempotent() is mounted twice on this route'))
      return
    }
    const read = readBefore(req)
    if (read === 'lost') {
      next(
        new Error('The body was read before idempotent(): mount it before body parsers, or keep req.rawBody (verify)'),
      )
      return
    }
    const run = (rawBody: Buffer, attempt: Attempt) => {
      rememberAttempt(req, attempt, source)
      // `_body` tells body parsers that follow to leave the request alone.
      Object.assign(req, { rawBody, _body: true })
      if (read === undefined) {
        try {
          req.body = parsedBody(req, rawBody)
        } catch (error) {
          next(
            Object.assign(error as Error, { status: 400, statusCode: 400, expose: true, type: 'entity.parse.failed' }),
          )
          return
        }
      }
      next()
    }
    serve(source, req, res, run, read).catch(() => res.destroy())
  }
}

/** The bytes that a parser kept; `undefined`: nobody read the body yet; `lost`: somebody did and kept no bytes. */
function readBefore(req: ExpressRequest): Buffer | 'lost' | undefined {
  if (Buffer.isBuffer(req.rawBody)) return req.rawBody
  if (Buffer.isBuffer(req.body)) return req.body
  return req.readableDidRead ? 'lost' : undefined
}
