import type { FastifyInstance, FastifyRequest } from 'fastify'
import { FORCE, json, KEY, OPERATORS, operatorProblems, query, SOURCE } from '../../http/openapi/answers.js'
import { idempotencyRecord } from '../../http/record-json.js'
import { forOperators, type Refusal } from '../auth/guard.js'
import type { RecordActions } from '../record-actions.js'

const PREFIX = '/webhook/idempotency/'

const KEYED = { ...OPERATORS, params: { type: 'object', properties: { '*': KEY } } }

/** For operators: read or delete the record of a key. */
export function recordRoutes(app: FastifyInstance, records: RecordActions, refusal: Refusal): void {
  app.get(`${PREFIX}*`, {
    schema: {
      ...KEYED,
      summary: 'The record of a key',
      ...query({ source: SOURCE }),
      response: { ...json('the record', 'IdempotencyRecord'), ...operatorProblems('not_found') },
    },
    ...forOperators(refusal, async (url, request) => {
      const { source, key } = recordName(url, request)
      return records.show(source, key, idempotencyRecord)
    }),
  })
  app.delete(`${PREFIX}*`, {
    schema: {
      ...KEYED,
      summary: 'Delete the record of a key',
      ...query({ source: SOURCE, force: FORCE }),
      response: { ...json('it is deleted', 'Cleared'), ...operatorProblems('not_found', 'record_running') },
    },
    ...forOperators(refusal, async (url, request) => {
      const { source, key, force } = recordName(url, request)
      return records.delete(request, source, key, force)
    }),
  })
}

/** A key may hold any visible ASCII, `/` and `%` included, so it is read from the URL as it was sent. */
function recordName(url: string, { query }: FastifyRequest) {
  const [path = ''] = url.split('?', 1)
  const { source, force } = query as { source: string; force?: 'true' | 'false' }
  return { source, key: decodeURIComponent(path.slice(PREFIX.length)), force: force === 'true' }
}
