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

/** What `idempotent` needs of an Express request. */
export interface ExpressRequest extends IncomingMessage {
  originalUrl?: string
  /** What the Router that has the route is mounted at, as the sender wrote it. */
  baseUrl?: string
  /** `methods`: by their names in lower case, `_all` for a handler of every method. */
  route?: { path: unknown; methods: Record<string, boolean> } | undefined
  // biome-ignore lint/suspicious/noExplicitAny: as Express types it
  body?: any
  rawBody?: unknown
}

/**
 * Express middleware: what follows it in the route runs once for an idempotency key, and its answer, given in whatever
 * way, is recorded and replayed. Works with Express 4 and 5.
 *
 * With a receiver the route's source is named by its method and pattern (`POST /tenants/:id/webhook`; tenants share their
 * keys then), however a sender spells the path. That takes a route of the application itself, with one method and a path
 * that is a text: under a Router with a path of its own, in `app.use`, `app.all`, and with a RegExp or a list of paths a
 * source has to be given, or every delivery is an error that says so.
 *
 * It reads the body itself, so mount it before body parsers. `req.rawBody` has the bytes, `req.body` JSON and form
 * bodies parsed and others as a Buffer. The request can be read once more: parsers of `multipart/form-data` that follow
 * (multer, formidable, busboy) work as ever. Express 4's body parsers leave it alone; those of Express 5 parse it again,
 * by their own rules and limits. A parser that came first must leave the bytes in `req.rawBody`.
 *
 * Headers that earlier middleware set are on every answer, replays included, and are not recorded. Errors go Express'
 * usual way; what its error handler answers is sent and, unless successful, not recorded.
 *
 * @example
 * app.post('/webhook', idempotent(receiver), (req, res) => res.json({ ok: true }))
 * hooks.post('/orders', idempotent(receiver.source({ name: 'orders' })), (req, res) => res.json({ ok: true }))
 *
 * @throws {ConfigurationError} neither a source nor a receiver was given
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

/** @throws {ConfigurationError} Express does not tell the whole pattern, or for which method it is */
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
