import type { Readable } from 'node:stream'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  onErrorHookHandler,
  preParsingHookHandler,
  RequestPayload,
} from 'fastify'
import { type Attempt, type CommitOf, withCommit } from '../engine/attempt.js'
import { mapCommit } from '../engine/commit.js'
import { ConfigurationError } from '../errors.js'
import type { Delivery } from '../http/delivery.js'
import type { Answer } from '../http/response.js'
import { internalsOf } from '../receiver/internals.js'
import type { Receiver } from '../receiver/receiver.js'
import type { Source, SourceOptions } from '../receiver/source.js'
import { anObject, aText, checkOptions } from '../util/options.js'
import { checkSource, isReceiver } from './given.js'
import { attemptFor, rememberAttempt } from './node/attempt-of.js'
import { headOf, receive } from './node/handle-request.js'
import { parsedForm, readBefore, readBody } from './node/read-body.js'
import { refuseUnread, sendAnswer } from './node/send-answer.js'

export { attemptOf } from './node/attempt-of.js'

/** A source, whatever transactions its store has. */
interface AnySource extends Omit<Source, 'receive'> {
  receive(delivery: Delivery, handler: never): Promise<Answer>
}

/** A receiver, whatever transactions its store has. */
interface AnyReceiver extends Omit<Receiver, 'source'> {
  source(options: SourceOptions): AnySource
}

export interface IdempotentOptions {
  /**
   * Of every route of the scope whose `config.idempotency` names no other. A source is one for all of them, with one set
   * of keys; with a receiver each route has its own, named by its method and the pattern that it is registered by.
   */
  source: AnySource | AnyReceiver
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

const GIVEN = Symbol('hookonce.source')
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])
const FORM = 'application/x-www-form-urlencoded'
const JSON_SUFFIX = /^application\/[^;]+\+json$/

/**
 * Fastify plugin: what the routes of its scope do after `onRequest` runs once for an idempotency key, and their answer,
 * given in whatever way (`reply.raw` included), is recorded and replayed. Register it once in the scope that has the
 * routes; scopes within may register it again, with a source of their own. Fastify 5, over HTTP/1.
 *
 * Hooks of the scope see what they are used to: `onRequest` every delivery, and `onResponse` every answer;
 * `preValidation` up to `onSend` only those that run. So authenticate in `onRequest`. Headers set in `onRequest` are on
 * every answer, replays included, and are not recorded; what `onSend` adds belongs to the answer and is.
 *
 * With a receiver a route's source is named by its method and pattern, prefix included (`POST /tenants/:id/webhook`;
 * tenants share their keys then), however a sender spells the path. Routes that differ by constraints alone need sources
 * of their own in `config.idempotency`.
 *
 * `request.rawBody` has the bytes. `request.body` is what Fastify's content type parsers make of them, yours included (one
 * for `*` has to be registered before); where the scope has none, forms and `+json` are parsed too, and the rest is a
 * Buffer. `request.raw` can be read once more: `@fastify/multipart` works as ever. The source's `maxBodyBytes` is the most
 * that is read, Fastify's `bodyLimit` the most that is parsed: raise both for larger bodies.
 *
 * Errors go Fastify's usual way; what its error handler answers is sent and, unless successful, not recorded. One that
 * names no status below 500 is an event (`handler_threw`) as well. After
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
  async (scope: FastifyInstance, options: IdempotentOptions) => {
    checkOptions('idempotent', options, OPTIONS, ['source'])
    const given = options.source as Source | Receiver
    if (!isReceiver(given)) checkGiven(given)
    if ('http2' in scope.initialConfig && scope.initialConfig.http2) {
      throw new ConfigurationError('idempotent: HTTP/2 is not supported')
    }
    const within = scope.hasDecorator(GIVEN)
    scope.decorate(GIVEN, new Given(given))
    if (!within) {
      scope.decorateRequest('rawBody')
      scope.addHook('onRoute', ({ config }) => {
        if (config?.idempotency) checkGiven(config.idempotency)
      })
      scope.addHook('preParsing', onPreParsing)
      scope.addHook('onError', onError)
      if (!scope.hasContentTypeParser('*')) addParser(scope)
    }
  },
  {
    // As fastify-plugin does: the plugin works in the scope that registers it, not in one of its own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('plugin-meta')]: { name: 'hookonce', fastify: '5.x' },
  },
)

const OPTIONS = {
  source: { ...anObject, words: 'a receiver or a source' },
  prefix: aText,
  logLevel: aText,
  logSerializers: anObject,
}

const checkGiven = (given: unknown): void => checkSource(source => `idempotent, { source: ${source} }`, given)

/** What the plugin was registered with, for the routes of a scope. */
class Given {
  readonly given: Source | Receiver
  /** By the route's own settings, which no other route has. */
  readonly #sources = new WeakMap<object, Source>()
  readonly #routes = new Map<string, number>()

  constructor(given: Source | Receiver) {
    this.given = given
  }

  /** @throws {ConfigurationError} another route has the same pattern */
  sourceOf({ routeOptions, server }: FastifyRequest): Source {
    const { given } = this
    if (!isReceiver(given)) return given
    const { config, method, url } = routeOptions
    const known = this.#sources.get(config)
    if (known !== undefined) return known
    const name = `${[method].flat().join(',')} ${url}`
    const source: Source = internalsOf(given)!.routeSource(name)
    const routes = (this.#routes.get(name) ?? 0) + 1
    // With a prefix, Fastify makes two routes of one whose own path is a slash.
    if (routes > (url === server.prefix ? 2 : 1)) {
      const error = new ConfigurationError(
        `idempotent: several routes are ${name}; name their sources: ` +
          "{ config: { idempotency: receiver.source({ name: 'orders' }) } }",
      )
      source.failed(error)
      throw error
    }
    this.#routes.set(name, routes)
    this.#sources.set(config, source)
    return source
  }
}

type PreParsingDone = Parameters<preParsingHookHandler>[3]

const onPreParsing: preParsingHookHandler = (request, reply, payload, done) => {
  let source: Source | undefined
  let read: Buffer | undefined
  try {
    source = sourceOf(request)
    if (source === undefined) return done(null, payload)
    read = readBefore(request.raw, 'idempotent', payload as Readable)
  } catch (error) {
    source?.failed(error)
    return done(error as Error)
  }
  const known = source
  answer(known, request, reply, payload, read, done).catch(error => {
    known.failed(error)
    reply.raw.destroy()
  })
}

/** Fastify tells nobody of an error that it answers, unless it logs. What names a status below 500 is the sender's. */
const onError: onErrorHookHandler = (request, _reply, error, done) => {
  const known = attemptFor(request)
  if (known !== undefined && (error.statusCode ?? 500) >= 500) known.source.failed(error, known.attempt)
  done()
}

function sourceOf(request: FastifyRequest): Source | undefined {
  if (request.is404) return undefined
  const { config, method } = request.routeOptions
  if (config.idempotency === false) return undefined
  if (config.idempotency !== undefined) return config.idempotency as Source
  if ([method].flat().every(name => SAFE.has(name as string))) return undefined
  return request.server.getDecorator<Given>(GIVEN).sourceOf(request)
}

/** From the request's body to its answer; `done` goes on to the handler. */
async function answer(
  source: Source,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  read: Buffer | undefined,
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
  const body = read ?? (await readBody(req, source.maxBodyBytes, payload))
  // Fastify's time limit for handlers may have answered meanwhile.
  if (body === 'aborted' || reply.sent) return
  if (body === 'too_large') {
    keepHeaders(reply)
    reply.hijack()
    refuseUnread(req, res, source.tooLarge())
    return
  }
  keepHeaders(reply)

  const given = request.routeOptions.config.idempotency ?? request.server.getDecorator<Given>(GIVEN).given
  const { answer, capture } = await receive(source, req, res, body, (_, attempt, capture) => {
    // To whoever asks the request too, its sender looks connected.
    if (res.socket) req.socket = res.socket
    request.rawBody = body
    rememberAttempt(request, committing(reply, attempt, capture.response), source, given)
    done(null, Object.assign(req, sizeOf(payload)))
  })
  if (capture === undefined) reply.hijack()
  await sendAnswer(res, answer, capture, error => void source.failed(error))
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
  const whole = (value: unknown) => (sends && !reply.sent ? answered.then(() => value) : value)
  return withCommit<never, unknown>(attempt, mapCommit(commit, whole))
}

/** For what Fastify has no parser; a later one of the scope for its type goes before. */
function addParser(scope: FastifyInstance): void {
  const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = scope.initialConfig
  const parseJson = scope.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning)
  scope.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
    if (type === FORM) done(null, parsedForm(body))
    else if (JSON_SUFFIX.test(type)) parseJson(request, body.toString(), done)
    else done(null, body)
  })
}
