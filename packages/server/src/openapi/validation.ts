import { Ajv, type ValidateFunction } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'

const OPTIONS = { useDefaults: true, strict: false }

/** Checks what is asked by the schema that describes it. A schema is compiled when it is first needed: most never are. */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  // What comes in a URL is text; what comes as JSON has types.
  const text = new Ajv({ ...OPTIONS, coerceTypes: 'array' })
  const typed = new Ajv(OPTIONS)
  return ({ schema, httpPart }) => {
    const ajv = httpPart === 'body' ? typed : text
    let validate: ValidateFunction | undefined
    return data => {
      validate ??= ajv.compile(schema)
      if (validate(data)) return true
      return { error: new InvalidRequest(ajv.errorsText(validate.errors, { dataVar: httpPart ?? 'request' })) }
    }
  }
}

/** What is asked is not as the route's schema says. */
export class InvalidRequest extends Error {
  readonly statusCode = 400
}
