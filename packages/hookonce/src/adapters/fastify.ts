import { Readable } from 'node:stream'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  preParsingHookHandler,
  RequestPayload,
} from 'fastify'
import { type Attempt, type CommitOf, withCommit } from '../attempt.js'
import { andThen } from '../committing.js'
import type { Delivery } from '../delivery.js'
import { ConfigurationError } from '../errors.js'
import type { Source } from '../receiver.js'
import type { Answer } from '../response.js'
import { rememberAttempt } from './node/attempts.js'
import { parsedForm, readBody } from './node/body.js'
import { refuseUnread, sendAnswer } from './node/send.js'
import { headOf, receive } from './node/serve.js'

export { attemptOf } from './node/attempts.js'

/** A source, whatever transactions its store has. */
interface AnySource extends Omit<Source, 'receive'> {
  receive(delivery: Delivery, handler: never): Promise<Answer>
}

export interface IdempotentOptions {
  /** Of every route of the scope whose `config.idempotency` names no other. */
  source: AnySource
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it arrived; there on routes that run once for an idempotency key. */
    rawBody: Buffer
  }
  interface FastifyContextConfig {
    /**
     * The route's own source, or `false` to leave it alone. Default: that of the scope, except for routes of GET,
     * HEAD, OPTIONS and TRACE alone, which have nothing to run once.
     */
    idempotency?: AnySource | false
  }
}

const SOURCE = Symbol('hookonce.source')
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
const FORM = 'application/x-www-form-urlencoded'
const JSON_SUFFIX = /^application\/[^;]+\+json/

/**
 * Fastify plugin: what the routes of its scope do after `onRequest` runs once for an idempotency key, and their answer,
 * given in whatever way (`reply.raw` included), is recorded and replayed. Register it once in the scope that has the
 * routes; scopes within may register it again, with a source of their own. Fastify 5, over HTTP/1.
 *
 * Hooks of the scope see what they are used to: `onRequest` every delivery, and `onResponse` every answer;
 * `preValidation` up to `onSend` only those that run. So authenticate in `onRequest`. Headers set in `onRequest` are on
 * every answer, replays included, and are not recorded; what `onSend` adds belongs to the answer and is.
 *
 * `request.rawBody` has the bytes. `request.body` is what Fastify's content type parsers make of them, yours included
 * (register those before); forms and `+json` are parsed too, and what no parser takes is a Buffer. The source's
 * `maxBodyBytes` is the most that is read, Fastify's `bodyLimit` the most that is parsed: raise both for larger bodies.
 *
 * Errors go Fastify's usual way; what its error handler answers is sent and, unless successful, not recorded. After
 * `reply.hijack()` the response must be ended through `reply.raw`, as ever; else the attempt lasts to its lock TTL.
 *
 * With a source of an inbox, which acknowledges, the route's handler is not run; Fastify wants one all the same.
 *
 * @throws {ConfigurationError} from `register` without a source, or on HTTP/2
 *
 * @example
 * await app.register(idempotent, { source: receiver })
 * app.post('/webhook', async request => ({ ok: true }))
 *
 * @example
 * app.post('/orders', { config: { idempotency: receiver.source({ name: 'orders' }) } }, async () => ({ ok: true }))
 * app.post('/search', { config: { idempotency: false } }, async () => [])
 */
export const idempotent: FastifyPluginAsync<IdempotentOptions> = Object.assign(
  async (scope: FastifyInstance, { source }: IdempotentOptions) => {
    if (typeof source?.receive !== 'function') throw new ConfigurationError('idempotent: source must be a receiver')
    if ('http2' in scope.initialConfig && scope.initialConfig.http2) {
      throw new ConfigurationError('idempotent: HTTP/2 is not supported')
    }
    const within = scope.hasDecorator(SOURCE)
    scope.decorate(SOURCE, source)
    if (!within) {
      scope.decorateRequest('rawBody')
      scope.addHook('preParsing', onPreParsing)
      addParsers(scope)
    }
  },
  {
    // As fastify-plugin does: the plugin works in the scope that registers it, not in one of its own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('plugin-meta')]: { name: 'hookonce', fastify: '5.x' },
  },
)

type PreParsingDone = Parameters<preParsingHookHandler>[3]

const onPreParsing: preParsingHookHandler = (request, reply, payload, done) => {
  const source = sourceOf(request)
  if (source === undefined) done(null, payload)
  else answer(source, request, reply, payload, done).catch(() => reply.raw.destroy())
}

function sourceOf(request: FastifyRequest): Source | undefined {
  if (request.is404) return undefined
  const { config, method } = request.routeOptions
  if (config.idempotency === false) return undefined
  if (config.idempotency !== undefined) return config.idempotency as Source
  const methods = Array.isArray(method) ? method : [method]
  return methods.every(name => SAFE.has(name)) ? undefined : request.server.getDecorator<Source>(SOURCE)
}

/** From the request's body to its answer; `done` goes on to the handler. */
async function answer(
  source: Source,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  done: PreParsingDone,
): Promise<void> {
  const req = request.raw
  const res = reply.raw
  const refused = source.refusal(headOf(req))
  if (refused !== undefined) {
    keepHeaders(reply)
    reply.hijack()
    refuseUnread(req, res, refused)
    return
  }
  // A hook before may have decompressed the body, and fail to.
  if (payload !== req) payload.once('error', done)
  const body = await readBody(req, source.maxBodyBytes, payload)
  // Fastify's time limit for handlers may have answered meanwhile.
  if (body === 'aborted' || reply.sent) return
  if (body === 'too_large') {
    keepHeaders(reply)
    reply.hijack()
    refuseUnread(req, res, source.tooLarge())
    return
  }
  keepHeaders(reply)

  const { answer, capture } = await receive(source, req, res, body, (_, attempt, capture) => {
    // To whoever asks the request too, its sender looks connected.
    if (res.socket) req.socket = res.socket
    request.rawBody = body
    rememberAttempt(request, committing(reply, attempt, capture.response), source)
    done(null, Object.assign(Readable.from(body, { objectMode: false }), sizeOf(payload)))
  })
  if (capture === undefined) reply.hijack()
  await sendAnswer(res, answer, capture)
}

/** Those that hooks set are on every answer. */
function keepHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
}

/** What Fastify compares with the content-length of a body that was decompressed. */
function sizeOf({ receivedEncodedLength }: RequestPayload): Pick<RequestPayload, 'receivedEncodedLength'> {
  return receivedEncodedLength === undefined ? {} : { receivedEncodedLength }
}

/**
 * Effects may answer with `reply.send` although `onSend` hooks or a stream then take their time: the commit waits for
 * the whole answer, and `await reply` within it for no more than that.
 */
function committing(reply: FastifyReply, attempt: Attempt, answered: Promise<unknown>): Attempt {
  const { commit } = attempt as { commit?: CommitOf<unknown> }
  if (commit === undefined) return attempt
  const { send } = reply
  let sends = false
  Object.assign(reply, {
    send(payload: unknown) {
      sends = true
      return send.call(reply, payload)
    },
    // biome-ignore lint/suspicious/noThenProperty: a reply has one
    then(fulfilled: () => void, rejected: (error: Error) => void) {
      answered.then(() => fulfilled(), rejected)
    },
  })
  return withCommit<never, unknown>(attempt, effects =>
    commit(tx => andThen(effects(tx), value => (sends && !reply.sent ? answered.then(() => value) : value))),
  )
}

/** What Fastify has no parser for; those that the scope has stay. */
function addParsers(scope: FastifyInstance): void {
  if (!scope.hasContentTypeParser(FORM)) {
    scope.addContentTypeParser<Buffer>(FORM, { parseAs: 'buffer' }, (_, body, done) => done(null, parsedForm(body)))
  }
  if (!scope.hasContentTypeParser(JSON_SUFFIX)) {
    const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = scope.initialConfig
    const json = scope.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning)
    scope.addContentTypeParser(JSON_SUFFIX, { parseAs: 'string' }, json)
  }
  if (!scope.hasContentTypeParser('*')) {
    scope.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  }
}
