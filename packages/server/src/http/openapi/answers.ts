import { SERVER_PROBLEMS, type ServerProblemCode } from '../problems.js'
import { ref, type SchemaName } from './schemas.js'

/** The `response` part of a route's schema. */
type Answers = Record<string, { description: string; content: Record<string, { schema: object }> }>

export function json(description: string, schema: SchemaName | object, status = 200): Answers {
  return {
    [status]: {
      description,
      content: { 'application/json': { schema: typeof schema === 'string' ? ref(schema) : schema } },
    },
  }
}

export const media = (description: string, type: string, status = 200): Answers => ({
  [status]: { description, content: { [type]: { schema: { type: 'string' } } } },
})

/** One response for each status, which names the problem codes. */
export function problems(...codes: ServerProblemCode[]): Answers {
  const byStatus = new Map<number, ServerProblemCode[]>()
  for (const code of codes) {
    const [status] = SERVER_PROBLEMS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      {
        description: named.map(code => `\`${code}\`: ${SERVER_PROBLEMS[code][1]}`).join('; '),
        content: { 'application/problem+json': { schema: ref('Problem') } },
      },
    ]),
  )
}

/** The problems of every operator route. */
export function operatorProblems(...codes: ServerProblemCode[]): Answers {
  return problems(
    'bad_request',
    'key_invalid',
    'operator_token_required',
    'operator_access_denied',
    'operator_token_guessed',
    'internal_error',
    'store_unavailable',
    ...codes,
  )
}

/** The query parameters of a route; others are refused. */
export const query = (properties: Record<string, object>, required: string[] = []) => ({
  querystring: { type: 'object', properties, required },
})

/** For every operator route; a route with a query overrides it. */
export const OPERATORS = { tags: ['operators'], security: [{ token: [] }, { session: [] }], ...query({}) }

const KEY_NOTE = 'An idempotency key, percent-encoded.'
export const KEY = { type: 'string', minLength: 1, maxLength: 255, description: KEY_NOTE, examples: ['test-key-123'] }
export const SOURCE = { type: 'string', default: 'default', examples: ['default'], description: 'name of a source' }
export const ANY_SOURCE = { type: 'string', examples: ['default'], description: 'default: every source' }
export const FORCE = {
  type: 'string',
  enum: ['true', 'false'],
  description: 'true: also while an attempt runs; its result is then refused',
}

/** For changes without a body, see `changeForOperators`. */
export const OPERATOR_HEADER = {
  headers: {
    type: 'object',
    properties: {
      'x-hookonce-operator': { type: 'string', examples: ['1'], description: 'any value: no form can send it' },
    },
  },
}
