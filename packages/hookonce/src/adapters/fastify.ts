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
import { ConfigurationError } from '../errors.js'
import { internalsOf } from '../receiver/internals.js'
import type { Receiver } from '../receiver/receiver.js'
import type { Source } from '../receiver/source.js'
import { anObject, aText, checkOptions } from '../util/options.js'
import { answerDelivery } from './fastify/answer-delivery.js'
import { addParser } from './fastify/content-type-parser.js'
import { readDelivery, sizeOf } from './fastify/read-delivery.js'
import { type AnyReceiver, type AnySource, checkSource, isReceiver } from './given.js'
import { attemptFor } from './node/attempt-of.js'
import { readBefore } from './node/read-body.js'

export { attemptOf } from './node/attempt-of.js'

export interface IdempotentOptions {
  /**
   * For the routes of the scope without a source of their own in `config.idempotency`. They share a source and its
   * keys; with a receiver, each route has its own source, named by its method and pattern.
   */
  source: AnySource | AnyReceiver
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it arrived, on routes that the plugin handles. */
    rawBody: Buffer
  }
  interface FastifyContextConfig {
    /**
     * The route's own source, or `false` to exclude the route. Default: the scope's source; routes with only GET, HEAD,
     * OPTIONS or TRACE are excluded.
     */
    idempotency?: AnySource | false
  }
}

/** Global: a scope within may register the plugin of the package's other copy, for `import` or for `require`. */
const GIVEN = Symbol.for('hookonce.source')
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * Fastify plugin: the routes of its scope run once per idempotency key, from `preParsing` to the answer, and their
 * answer (through `reply` or `reply.raw`) is recorded and replayed. Register it in the scope that has the routes; inner
 * scopes may register it again with a source of their own. Works with Fastify 5 over HTTP/1.
 *
 * `onRequest` hooks run for every delivery and `onResponse` hooks for every answer; `preValidation` to `onSend` run
 * only when the handler does. So authenticate in `onRequest`. Headers set in `onRequest` are on every answer, replays
 * included, and are not recorded; those added in `onSend` are.
 *
 * With a receiver, a route's source is named by method and pattern, prefix included (`POST /tenants/:id/webhook`;
 * tenants then share their keys), however a sender spells the path. Routes that differ only by constraints need sources
 * of their own in `config.idempotency`.
 *
 * `request.rawBody` has the bytes. Fastify's content type parsers make `request.body`, yours included (register one for
 * `*` before the plugin); in a scope without one, forms and `+json` are parsed too, and other bodies are a Buffer.
 * `request.raw` can be read again, e.g. by `@fastify/multipart`. The source's `maxBodyBytes` limits what is read,
 * Fastify's `bodyLimit` what is parsed: raise both for larger bodies.
 *
 * Errors go to Fastify's error handler; its answer is sent and, unless successful, not recorded. An error without a
 * status below 500 is also reported as `handler_threw`. After `reply.hijack()`, end the response through `reply.raw`;
 * otherwise the attempt lasts until its lock TTL.
 *
 * With an inbox's source, which acknowledges, the route's handler does not run. Fastify requires one all the same.
 *
 * @throws {ConfigurationError} from `register`: there is no source, or the server is HTTP/2
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
    // As `fastify-plugin` does it: the hooks apply to the scope that registers the plugin.
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

/** A scope's source or receiver, and the sources of its routes. */
class Given {
  readonly given: Source | Receiver
  /** By the route's `config`, an object of its own. */
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
    // With a prefix, Fastify makes two routes of a route whose path is `/`.
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

/** Fastify only logs an error that it answers. A status below 500 is the sender's fault. */
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

/** Reads a request, processes it and sends the answer. `done` continues to the handler. */
async function answer(
  source: Source,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  read: Buffer | undefined,
  done: PreParsingDone,
): Promise<void> {
  const body = await readDelivery(source, request, reply, payload, read, done)
  if (body === undefined) return
  const given = request.routeOptions.config.idempotency ?? request.server.getDecorator<Given>(GIVEN).given
  await answerDelivery(source, given, request, reply, body, () =>
    done(null, Object.assign(request.raw, sizeOf(payload))),
  )
}
