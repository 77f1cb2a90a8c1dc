import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attempt } from '../engine/attempt.js'
import { ConfigurationError } from '../errors.js'
import { internalsOf } from '../receiver/internals.js'
import type { Receiver } from '../receiver/receiver.js'
import type { Source } from '../receiver/source.js'
import { checkSource, isReceiver } from './given.js'
import { attemptFor, rememberAttempt } from './node/attempt-of.js'
import { serve } from './node/handle-request.js'
import { parsedBody, readBefore } from './node/read-body.js'

export { attemptOf } from './node/attempt-of.js'

/** The part of an Express request that `idempotent` uses. */
export interface ExpressRequest extends IncomingMessage {
  originalUrl?: string
  /** The path that the route's Router is mounted at, as the sender wrote it. */
  baseUrl?: string
  /** `methods`: names in lower case, or `_all` for a handler of every method. */
  route?: { path: unknown; methods: Record<string, boolean> } | undefined
  // biome-ignore lint/suspicious/noExplicitAny: as Express types it
  body?: any
  rawBody?: unknown
}

/**
 * Express middleware: the handlers that follow it in the route run once per idempotency key, and their answer is
 * recorded and replayed. Works with Express 4 and 5.
 *
 * With a receiver, the route's source is named by method and pattern (`POST /tenants/:id/webhook`; tenants then share
 * their keys), however a sender spells the path. The route must be one of the application itself, with one method and a
 * path that is a string. Under a Router with a path of its own, in `app.use` and `app.all`, and with a RegExp or a list
 * of paths, pass a source; otherwise every delivery fails with a `ConfigurationError`.
 *
 * The middleware reads the body, so mount it before body parsers. `req.rawBody` has the bytes; `req.body` has JSON and
 * forms parsed, and other bodies as a Buffer. The request can be read again, by `multipart/form-data` parsers that
 * follow (multer, formidable, busboy). Express 4's body parsers skip it; Express 5's parse it again, with their own
 * limits. A parser that is mounted earlier must keep the bytes in `req.rawBody`.
 *
 * Headers of earlier middleware are on every answer, replays included, and are not recorded. Errors go to Express'
 * error handler; its answer is sent and, unless successful, not recorded.
 *
 * @example
 * app.post('/webhook', idempotent(receiver), (req, res) => res.json({ ok: true }))
 * hooks.post('/orders', idempotent(receiver.source({ name: 'orders' })), (req, res) => res.json({ ok: true }))
 *
 * @throws {ConfigurationError} `given` is neither a source nor a receiver
 */
export function idempotent<Kind>(
  given: Source<Kind> | Receiver<Kind>,
): (req: ExpressRequest, res: ServerResponse, next: (error?: unknown) => void) => void {
  const sourceOf = sourcesOf(given)
  return (req, res, next) => {
    if (attemptFor(req) !== undefined) {
      next(new Error('idempotent() is mounted twice on this route'))
      return
    }
    let source: Source<Kind> | undefined
    let read: Buffer | undefined
    try {
      source = sourceOf(req)
      read = readBefore(req, 'idempotent()')
    } catch (error) {
      source?.failed(error)
      next(error)
      return
    }
    const run = (rawBody: Buffer, attempt: Attempt) => {
      rememberAttempt(req, attempt, source, given)
      // Body parsers skip a request with `_body`.
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
    serve(source, req, res, run, read)
  }
}

function sourcesOf<Kind>(given: Source<Kind> | Receiver<Kind>): (req: ExpressRequest) => Source<Kind> {
  if (!isReceiver(given)) {
    checkSource(source => `idempotent(${source})`, given)
    return () => given
  }
  const { routeSource } = internalsOf(given)!
  const byRoute = new Map<string, Source<Kind>>()
  return req => {
    const route = nameOf(req)
    const known = byRoute.get(route)
    if (known !== undefined) return known
    const source = routeSource(route)
    byRoute.set(route, source)
    return source
  }
}

/** @throws {ConfigurationError} Express does not give the whole pattern, or not one method */
function nameOf({ route, baseUrl }: ExpressRequest): string {
  const [method, another] = Object.keys(route?.methods ?? {})
  if (
    typeof route?.path === 'string' &&
    !baseUrl &&
    method !== undefined &&
    method !== '_all' &&
    another === undefined
  ) {
    return `${method.toUpperCase()} ${route.path}`
  }
  throw new ConfigurationError(
    'idempotent(receiver) cannot name a source by this route (it is under a Router with a path, in app.use or app.all, ' +
      "or its path is no text): name the source: idempotent(receiver.source({ name: 'orders' }))",
  )
}
