import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Answer } from 'hookonce'
import { didYouMean } from '../config/did-you-mean.js'
import { serverProblem } from './problems.js'
import { respond } from './respond.js'

/** Refuses query parameters that are not in the schema of the route, and unknown sources. */
export function checkQueries(app: FastifyInstance, sources: ReadonlyMap<string, unknown>): void {
  app.addHook('preParsing', (request, reply, _, done) => {
    const wrong = unknownParameter(request) ?? unknownSource(request, sources)
    if (wrong === undefined) done()
    else respond(reply, wrong)
  })
}

function unknownParameter({ query, routeOptions }: FastifyRequest): Answer | undefined {
  const described = routeOptions.schema?.querystring as { properties: object } | undefined
  if (described === undefined) return undefined
  const known = Object.keys(described.properties)
  const unknown = Object.keys(query as object).find(name => !known.includes(name))
  if (unknown === undefined) return undefined
  return serverProblem('bad_request', {
    detail: `${JSON.stringify(unknown)} is not a query parameter of this route${didYouMean(unknown, known)}.`,
  })
}

function unknownSource(
  { query, routeOptions }: FastifyRequest,
  sources: ReadonlyMap<string, unknown>,
): Answer | undefined {
  if (routeOptions.schema?.querystring === undefined) return undefined
  const { source } = query as { source?: unknown }
  if (typeof source !== 'string' || sources.has(source)) return undefined
  return serverProblem('not_found', {
    detail: `There is no source ${JSON.stringify(source)}${didYouMean(source, sources.keys())}.`,
  })
}
