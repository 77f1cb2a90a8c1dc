import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Answer, Receiver } from 'hookonce'
import type { Shown } from '../../config/redaction.js'
import { FORCE, json, KEY, OPERATORS, operatorProblems, query, SOURCE } from '../../http/openapi/answers.js'
import { serverProblem } from '../../http/problems.js'
import { jsonAnswer } from '../../http/respond.js'
import type { Audit } from '../audit.js'
import { forOperators, type Refusal } from '../auth/guard.js'
import { describe } from '../record-json.js'

export interface RecordContext {
  receiver: Receiver
  refusal: Refusal
  audit: Audit
  shownOf(source: string): Shown
}

const PREFIX = '/webhook/idempotency/'

const KEYED = { ...OPERATORS, params: { type: 'object', properties: { '*': KEY } } }

/** For operators: look at what is recorded for a key, or forget it. */
export function recordRoutes(app: FastifyInstance, { receiver, refusal, audit, shownOf }: RecordContext): void {
  const show = forOperators(refusal, async (url, request) => {
    const { source, key } = recordName(url, request)
    const record = await receiver.record(source, key)
    return record === undefined ? noRecord(source) : jsonAnswer(describe(record, shownOf(source)))
  })
  const clear = forOperators(refusal, async (url, request) => {
    const { source, key, force } = recordName(url, request)
    const outcome = await receiver.deleteRecord(source, key, { force })
    audit(request.raw, { action: 'delete', source, key, outcome })
    return deletion(outcome, source, key)
  })
  const showing = {
    ...KEYED,
    summary: 'What is recorded for a key',
    ...query({ source: SOURCE }),
    response: { ...json('the record', 'IdempotencyRecord'), ...operatorProblems('not_found') },
  }
  const clearing = {
    ...KEYED,
    summary: 'Forget a key',
    ...query({ source: SOURCE, force: FORCE }),
    response: { ...json('it is forgotten', 'Cleared'), ...operatorProblems('not_found', 'record_running') },
  }
  app.get(`${PREFIX}*`, { schema: showing, ...show })
  app.delete(`${PREFIX}*`, { schema: clearing, ...clear })
}

/** The answer to a deletion. */
export function deletion(outcome: 'deleted' | 'absent' | 'running', source: string, key: string): Answer {
  switch (outcome) {
    case 'deleted':
      return jsonAnswer({ status: 'cleared', key })
    case 'absent':
      return noRecord(source)
    case 'running':
      return serverProblem('record_running', { detail: 'To clear it nevertheless, and refuse its result: ?force=true' })
  }
}

/** A key may hold any visible ASCII, `/` and `%` included, so it is read from the URL as it was sent. */
function recordName(url: string, { query }: FastifyRequest) {
  const [path = ''] = url.split('?', 1)
  const { source, force } = query as { source: string; force?: 'true' | 'false' }
  return { source, key: decodeURIComponent(path.slice(PREFIX.length)), force: force === 'true' }
}

export function noRecord(source: string): Answer {
  return serverProblem('not_found', { detail: `Nothing is recorded for this key of the source "${source}".` })
}
