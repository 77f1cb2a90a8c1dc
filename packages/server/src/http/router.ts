import Fastify, { type FastifyError, type FastifyInstance, type FastifySchema } from 'fastify'
import { type Answer, type HeaderList, InvalidKeyError, problem, StoreError } from 'hookonce'
import type { Logger } from 'pino'
import { tooManyHeaders } from './header-limit.js'
import { InvalidRequest, schemaController } from './openapi/validation.js'
import { serverProblem } from './problems.js'
import { requestIdIn } from './request-id.js'
import { respond } from './respond.js'

export interface Route {
  method: string
  url: string
  /** Whether it is for operators only. */
  operators: boolean
  schema: FastifySchema
}

/** A Fastify app without routes, which answers errors as problems; and the list that its routes will be in. */
export function createRouter(log: Logger): { app: FastifyInstance; routes: Route[] } {
  const answerError = (error: unknown, requestId: string): Answer => {
    const answer = problemFor(error)
    if (answer.status >= 500) log.error({ requestId, err: error }, 'request not answered')
    return answer
  }
  const app: FastifyInstance = Fastify({
    schemaController,
    genReqId: requestIdIn,
    frameworkErrors: (error, { id }, reply) => respond(reply, answerError(error, id)),
  })
  const methods = new MethodsByPath()
  const routes: Route[] = []
  app.addHook('onRoute', ({ url, method, config, schema = {} }) => {
    methods.add(url, method)
    const operators = config?.operators === true
    for (const each of [method].flat()) routes.push({ method: each, url, operators, schema })
  })
  app.addHook('onRequest', ({ raw }, reply, done) => {
    const tooMany = tooManyHeaders(raw)
    if (tooMany === undefined) done()
    else respond(reply, tooMany)
  })
  // Deliveries read their bodies themselves; other routes have none.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler((error, { id }, reply) => respond(reply, answerError(error, id)))
  app.setNotFoundHandler((request, reply) => {
    const allowed = methods.of(request.raw.url!)
    if (allowed !== undefined && request.method === 'OPTIONS') {
      const headers: HeaderList = [['allow', allowed]]
      respond(reply, { status: 204, headers, body: new Uint8Array(), outcome: 'executed' })
      return
    }
    respond(
      reply,
      allowed === undefined
        ? serverProblem('not_found')
        : serverProblem('method_not_allowed', { detail: `Allowed: ${allowed}.`, headers: [['allow', allowed]] }),
    )
  })
  return { app, routes }
}

/** Internal details stay in the log. */
function problemFor(error: unknown): Answer {
  if (error instanceof StoreError) return problem('store_unavailable', { retryAfterMs: 1000 })
  if (error instanceof InvalidKeyError) return problem('key_invalid', { detail: error.message })
  if (error instanceof URIError) return serverProblem('bad_request', { detail: 'The path is not well encoded.' })
  if (error instanceof InvalidRequest) return serverProblem('bad_request', { detail: `${error.message}.` })
  const { statusCode } = error as FastifyError
  if (statusCode === 413) return problem('body_too_large', { outcome: 'invalid' })
  if (statusCode === 415) return serverProblem('media_type_invalid')
  return statusCode !== undefined && statusCode < 500 ? serverProblem('bad_request') : serverProblem('internal_error')
}

/** The methods of each path, for `Allow`: Fastify only reports that nothing matched. */
class MethodsByPath {
  readonly #routes = new Map<string, { matches: RegExp; methods: Set<string> }>()

  add(url: string, method: string | string[]): void {
    let route = this.#routes.get(url)
    if (route === undefined) {
      const pattern = url.replace(/[.+]/g, '\\$&').replace(/:\w+/g, '[^/]+').replace(/\*$/, '.*')
      route = { matches: new RegExp(`^${pattern}$`), methods: new Set() }
      this.#routes.set(url, route)
    }
    for (const each of [method].flat()) route.methods.add(each)
  }

  /** The value of the `Allow` header; `undefined`: no route has this path. */
  of(url: string): string | undefined {
    const path = url.split('?', 1)[0]!
    for (const { matches, methods } of this.#routes.values()) {
      if (matches.test(path)) return [...new Set([...methods, 'OPTIONS'])].sort().join(', ')
    }
    return undefined
  }
}
