import type { Ajv, ValidateFunction } from 'ajv'
import type { FastifyServerOptions } from 'fastify'

const OPTIONS = { useDefaults: true, strict: false }

/** In place of what Fastify would load for this. */
export const schemaController = {
  compilersFactory: {
    // By its type it would be called with the schema alone.
    buildValidator: createValidatorCompiler as () => never,
    // Answers are written as they are; schemas of them are documentation, and tests hold them to it.
    buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
  },
} satisfies FastifyServerOptions['schemaController']

/**
 * Checks what is asked by the schema that describes it. Ajv is loaded, and a schema compiled, when it is first needed: most
 * never are.
 */
function createValidatorCompiler() {
  let compilers: Promise<{ text: Ajv; typed: Ajv }> | undefined
  return ({ schema, httpPart = 'request' }: { schema: object; httpPart?: string }) => {
    let compiled: Promise<{ ajv: Ajv; validate: ValidateFunction }> | undefined
    const compile = async () => {
      compilers ??= createCompilers()
      const ajv = (await compilers)[httpPart === 'body' ? 'typed' : 'text']
      return { ajv, validate: ajv.compile(schema) }
    }
    // Of what checks later Fastify asks that it fails by throwing.
    return async (data: unknown) => {
      compiled ??= compile()
      const { ajv, validate } = await compiled
      if (validate(data)) return
      throw new InvalidRequest(ajv.errorsText(validate.errors, { dataVar: httpPart }))
    }
  }
}

/** What comes in a URL is text; what comes as JSON has types. */
async function createCompilers(): Promise<{ text: Ajv; typed: Ajv }> {
  const { Ajv } = await import('ajv')
  return { text: new Ajv({ ...OPTIONS, coerceTypes: 'array' }), typed: new Ajv(OPTIONS) }
}

/** What is asked is not as the route's schema says. */
export class InvalidRequest extends Error {
  readonly statusCode = 400
}
