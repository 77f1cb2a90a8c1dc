import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parsedForm } from '../node/read-body.js'

const FORM = 'application/x-www-form-urlencoded'
const JSON_SUFFIX = /^application\/[^;]+\+json$/

/**
 * Adds a parser for types that no other parser of the scope handles: forms and `+json` are parsed, other bodies are a
 * Buffer.
 *
 * @param refusal the error for a request whose body is not parsed here, if there are such requests
 */
export function addParser(
  scope: FastifyInstance,
  refusal: (request: FastifyRequest) => Error | undefined = () => undefined,
) {
  const { onProtoPoisoning = 'error', onConstructorPoisoning = 'error' } = scope.initialConfig
  const parseJson = scope.getDefaultJsonParser(onProtoPoisoning, onConstructorPoisoning)
  scope.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
    const refused = refusal(request)
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
    if (refused !== undefined) done(refused)
    else if (type === FORM) done(null, parsedForm(body))
    else if (JSON_SUFFIX.test(type)) parseJson(request, body.toString(), done)
    else done(null, body)
  })
}
