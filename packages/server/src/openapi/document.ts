import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { version } from '../command-line.js'
import { SCHEMAS } from './schemas.js'
import { createValidatorCompiler } from './validation.js'

/** Must be registered before the routes that it is to describe. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  for (const [name, schema] of Object.entries(SCHEMAS)) app.addSchema({ $id: name, ...schema })
  app.setValidatorCompiler(createValidatorCompiler())
  // Answers are written as they are; schemas of them are documentation, and tests hold them to it.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
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
        { name: 'deliveries', description: 'What senders use' },
        { name: 'operators', description: 'For those who run it' },
        { name: 'about', description: 'For everybody' },
      ],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'HOOKONCE_ADMIN_TOKEN, where one is set' },
          session: { type: 'apiKey', in: 'cookie', name: 'hookonce_session', description: 'from POST /api/session' },
        },
      },
    },
    exposeHeadRoutes: false,
    refResolver: { buildLocalReference: ({ $id }, _, __, i) => (typeof $id === 'string' ? $id : `schema-${i}`) },
    transform: ({ schema, url }) => (url.endsWith('*') ? named(url, schema) : { schema, url }),
  })
}

/** A route whose key may hold slashes is a wildcard to the router. */
function named(url: string, { params, ...schema }: FastifySchema) {
  const { properties } = params as { properties: Record<string, object> }
  return {
    url: url.replace(/\*$/, ':key'),
    schema: { ...schema, params: { type: 'object', properties: { key: properties['*'] } } },
  }
}
