import type { Ajv, ValidateFunction } from 'ajv'
import type { FastifyServerOptions } from 'fastify'

const OPTIONS = { useDefaults: true, strict: false }

/** Replaces the compilers that Fastify loads by default. */
export const schemaController = {
  compilersFactory: {
    // Fastify passes more than the schema, unlike its type says.
    buildValidator: createValidatorCompiler as () => never,
    // Response schemas are documentation; answers are written as they are.
    buildSerializer: () => () => (data: unknown) => JSON.stringify(data),
  },
} satisfies FastifyServerOptions['schemaController']

/** Validates requests. Loads Ajv and compiles a schema at its first use: most schemas are never used. */
function createValidatorCompiler() {
  let compilers: Promise<{ text: Ajv; typed: Ajv }> | undefined
  return ({ schema, httpPart = 'request' }: { schema: object; httpPart?: string }) => {
    let compiled: Promise<{ ajv: Ajv; validate: ValidateFunction }> | undefined
    const compile = async () => {
      compilers ??= createCompilers()
      const ajv = (await compilers)[httpPart === 'body' ? 'typed' : 'text']
      return { ajv, validate: ajv.compile(schema) }
    }
    // Fastify expects an asynchronous validator to throw.
    return async (data: unknown) => {
      compiled ??= compile()
      const { ajv, validate } = await compiled
      if (validate(data)) return
      throw new InvalidRequest(ajv.errorsText(validate.errors, { dataVar: httpPart }))
    }
  }
}

/** Parameters of a URL are strings and are converted; JSON has types. */
async function createCompilers(): Promise<{ text: Ajv; typed: Ajv }> {
  const { Ajv } = await import('ajv')
  return { text: new Ajv({ ...OPTIONS, coerceTypes: 'array' }), typed: new Ajv(OPTIONS) }
}

/** The request does not match the schema of the route. */
export class InvalidRequest extends Error {
  readonly statusCode = 400
}
