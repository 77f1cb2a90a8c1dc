import { ConfigurationError } from '../../errors.js'
import { internalsOf } from '../../receiver/internals.js'
import type { Receiver } from '../../receiver/receiver.js'
import type { Source } from '../../receiver/source.js'
import { anObject, checkOptions, hint } from '../../util/options.js'
import { type AnyReceiver, type AnySource, checkSource, isReceiver } from '../given.js'

/** What `@Webhook()` leaves on a controller's method, as metadata and in the configuration of Fastify's route. */
export interface WebhookMark {
  source: string | undefined
  method: object
}

export const WEBHOOK = 'hookonce:webhook'

/** The metadata of `@RouteConfig()`: Fastify's hooks see nothing else of a method. */
export const ROUTE_CONFIG = '__fastify_route_config__'

export const markOf = (method: object): WebhookMark | undefined => Reflect.getMetadata(WEBHOOK, method)

/** Nest's metadata and enumeration of a route's method. */
const METHOD = 'method'
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', undefined, 'OPTIONS', 'HEAD', 'SEARCH']

const OPTIONS = { receiver: anObject, sources: anObject }

/** The sources of an application's webhooks. */
export class Webhooks {
  readonly receiver: Receiver | undefined
  readonly #sources: Record<string, Source>
  readonly #byRoute = new Map<string, { mark: WebhookMark; source: Source }>()

  /** @throws {ConfigurationError} an option is wrong */
  constructor(options: { receiver?: AnyReceiver | undefined; sources?: Record<string, AnySource> | undefined }) {
    checkOptions('HookonceModule', options, OPTIONS)
    const { receiver, sources = {} } = options
    if (receiver !== undefined && !isReceiver(receiver as Receiver)) {
      throw new ConfigurationError('HookonceModule: receiver must be what createReceiver returns')
    }
    for (const [name, source] of Object.entries(sources)) {
      checkSource(written => `HookonceModule: sources: { ${name}: ${written} }`, source)
    }
    this.receiver = receiver as Receiver | undefined
    this.#sources = sources as Record<string, Source>
  }

  /** @throws {ConfigurationError} the module has no source for the webhook */
  check({ source }: WebhookMark): void {
    if (source !== undefined && !Object.hasOwn(this.#sources, source)) {
      throw new ConfigurationError(
        `@Webhook('${source}'): HookonceModule has no such source${hint(source, Object.keys(this.#sources))}`,
      )
    }
    if (source === undefined && this.receiver === undefined) {
      throw new ConfigurationError("@Webhook() needs HookonceModule's receiver, or the name of one of its sources")
    }
  }

  /** What `attemptOf` is asked with. */
  given({ source }: WebhookMark): Source | Receiver | undefined {
    return source === undefined ? this.receiver : this.#sources[source]
  }

  /**
   * The source of a request that Nest has routed.
   *
   * @param pattern of the route, with prefixes
   * @throws {ConfigurationError} there is none, or the route does not name one
   */
  sourceOf(mark: WebhookMark, pattern: unknown): Source {
    this.check(mark)
    if (mark.source !== undefined) return this.#sources[mark.source]!
    const verb = METHODS[Reflect.getMetadata(METHOD, mark.method)]
    if (verb === undefined || typeof pattern !== 'string') {
      throw new ConfigurationError("@Webhook() cannot name a source by this route: name one, @Webhook('orders')")
    }
    const name = `${verb} ${pattern}`
    const known = this.#byRoute.get(name)
    if (known?.mark === mark) return known.source
    if (known !== undefined) {
      throw new ConfigurationError(`@Webhook(): several routes are ${name}; name their sources, @Webhook('orders')`)
    }
    const source: Source = internalsOf(this.receiver)!.routeSource(name)
    this.#byRoute.set(name, { mark, source })
    return source
  }
}
