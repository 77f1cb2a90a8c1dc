import Fastify, { type FastifySchema } from 'fastify'
import { version } from '../../config/version.js'
import type { Route } from '../router.js'
import type { OpenApi } from './page.js'
import { SCHEMAS } from './schemas.js'
import { schemaController } from './validation.js'

/**
 * The OpenAPI document of these routes, made at the first request: loading `@fastify/swagger` would take a tenth of the
 * server's start, and few servers ever need it.
 */
export function documentOf(routes: readonly Route[]): () => Promise<OpenApi> {
  let document: Promise<OpenApi> | undefined
  return () => {
    document ??= describe(routes)
    return document
  }
}

async function describe(routes: readonly Route[]): Promise<OpenApi> {
  const { default: swagger } = await import('@fastify/swagger')
  const app = Fastify({ schemaController, exposeHeadRoutes: false })
  for (const [name, schema] of Object.entries(SCHEMAS)) app.addSchema({ $id: name, ...schema })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hookonce',
        version: version(),
        description:
          'A webhook receiver with idempotency keys: one recorded result per key, replayed to every duplicate.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'deliveries', description: 'For senders' },
        { name: 'operators', description: 'For operators' },
        { name: 'about', description: 'For everybody' },
      ],
      components: {
        headers: {
          RequestId: {
            description: 'names this request in the log: its own X-Request-Id if that is fit, else a unique one',
            schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' },
          },
        },
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'HOOKONCE_ADMIN_TOKEN, where one is set' },
          session: { type: 'apiKey', in: 'cookie', name: 'hookonce_session', description: 'from POST /api/session' },
        },
      },
    },
    refResolver: { buildLocalReference: ({ $id }, _, __, i) => (typeof $id === 'string' ? $id : `schema-${i}`) },
    transform: ({ schema, url }) => (url.endsWith('*') ? withKeyParameter(url, schema) : { schema, url }),
  })
  for (const { method, url, schema } of routes) {
    if (method !== 'HEAD') app.route({ method, url, schema, handler: async () => {} })
  }
  await app.ready()
  return withRequestIds(app.swagger() as OpenApi)
}

const REQUEST_ID = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } }

/** Every answer has the header, so that no route describes it. */
function withRequestIds(document: OpenApi): OpenApi {
  for (const methods of Object.values(document.paths)) {
    for (const { responses = {} } of Object.values(methods)) {
      for (const response of Object.values(responses)) response.headers = { ...response.headers, ...REQUEST_ID }
    }
  }
  return document
}

/** A route whose key may contain slashes is a wildcard to the router, and `{key}` in the document. */
function withKeyParameter(url: string, { params, ...schema }: FastifySchema) {
  const { properties } = params as { properties: Record<string, object> }
  return {
    url: url.replace(/\*$/, ':key'),
    schema: { ...schema, params: { type: 'object', properties: { key: properties['*'] } } },
  }
}
