import type { FastifyInstance } from 'fastify'
import {
  ANY_SOURCE,
  json,
  OPERATOR_HEADER,
  OPERATORS,
  operatorProblems,
  query,
  SOURCE,
} from '../../http/openapi/answers.js'
import { serverProblem } from '../../http/problems.js'
import { jsonAnswer } from '../../http/respond.js'
import { answered } from '../answered.js'
import type { Audit } from '../audit.js'
import { changeForOperators, forOperators, type Refusal } from '../auth/guard.js'
import { PAGE_AFTER, TIME_RANGE, timeOf } from '../journal-page.js'
import { type RefusedContext, RefusedDeliveries, type RefusedOf } from '../refused-deliveries.js'
import { REFUSED, REFUSED_SUMMARY, refusedJson, refusedSummaryJson, VERIFIED } from '../refused-json.js'

export interface RefusedRoutesContext extends RefusedContext {
  refusal: Refusal
  audit: Audit
}

const ID = { type: 'string', minLength: 1, maxLength: 100, description: 'as in the list', examples: ['test-id'] }

const LISTED = {
  source: ANY_SOURCE,
  ...TIME_RANGE,
  limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  after: PAGE_AFTER,
}

const PAGE = {
  type: 'object',
  required: ['refused'],
  properties: {
    refused: { type: 'array', items: REFUSED_SUMMARY },
    next: { type: 'string', description: 'absent on the last page' },
  },
}

const NAMED = query({ source: SOURCE, id: ID }, ['id'])

/** Deliveries that were refused, why, and what to do about them. */
export function refusedRoutes(app: FastifyInstance, context: RefusedRoutesContext): void {
  const { refusal, audit } = context
  const deliveries = new RefusedDeliveries(context)

  app.get('/api/refused', {
    schema: {
      ...OPERATORS,
      summary: 'Deliveries that were refused, newest first',
      description:
        'A sample: of each source the last 1,000 of a day; of many alike 50 at once, then one in five seconds. They appear within a second or two.',
      ...query(LISTED),
      response: { ...json('a page', PAGE), ...operatorProblems('not_found') },
    },
    ...forOperators(refusal, async (_, request) => {
      const { since, until, ...rest } = request.query as ListQuery
      const { refused, ...next } = await deliveries.page({ ...rest, since: timeOf(since), until: timeOf(until) })
      return jsonAnswer({ refused: refused.map(refusedSummaryJson), ...next })
    }),
  })

  /** Of what is not there, or not any more, the answer says so. */
  const named =
    <T>(answer: (refused: RefusedOf, request: { raw: Parameters<Audit>[0] }) => Promise<T>) =>
    async (_: string, request: { query: unknown; raw: Parameters<Audit>[0] }) => {
      const { source, id } = request.query as { source: string; id: string }
      const refused = await deliveries.find(source, id)
      if (refused !== undefined) return answer(refused, request)
      return serverProblem('not_found', { detail: 'No refused delivery of this source has this id, or not any more.' })
    }

  app.get('/api/refused/delivery', {
    schema: {
      ...OPERATORS,
      summary: 'A refused delivery in full',
      ...NAMED,
      response: { ...json('with what was kept of its body', REFUSED), ...operatorProblems('not_found') },
    },
    ...forOperators(
      refusal,
      named(async refused => jsonAnswer(refusedJson(refused, await deliveries.firstBody(refused)))),
    ),
  })

  app.post('/api/refused/verify', {
    schema: {
      ...OPERATORS,
      summary: 'Check a refused delivery again, by the secrets of now',
      description: 'As if it came when it came. Headers that hold a secret are not kept: what they prove is not seen.',
      ...NAMED,
      ...OPERATOR_HEADER,
      response: {
        ...json('whether it verifies, and what was found', VERIFIED),
        ...operatorProblems('not_found', 'refused_incomplete'),
      },
    },
    ...changeForOperators(
      refusal,
      named(async refused => {
        if (!refused.isWhole) return incomplete()
        const findings = deliveries.verify(refused)
        return jsonAnswer({ verifies: findings[0]?.code === 'verifies_now', findings })
      }),
    ),
  })

  app.post('/api/refused/accept', {
    schema: {
      ...OPERATORS,
      summary: 'Process a refused delivery although its signature was not valid',
      description: 'You vouch for it. It is processed as any delivery is: under its key, once. The audit log says so.',
      ...NAMED,
      ...OPERATOR_HEADER,
      response: {
        ...json('what it was answered now', 'TestAnswer'),
        ...operatorProblems('not_found', 'refused_incomplete'),
      },
    },
    ...changeForOperators(
      refusal,
      named(async (refused, { raw }) => {
        if (!refused.isWhole) return incomplete()
        const answer = await answered(() => deliveries.accept(refused))
        audit(raw, { action: 'accept_refused', source: refused.source, outcome: String(answer.status) })
        return jsonAnswer(answer)
      }),
    ),
  })
}

interface ListQuery {
  source?: string
  since?: string
  until?: string
  limit: number
  after?: string
}

const incomplete = () =>
  serverProblem('refused_incomplete', {
    detail:
      'Its body is not kept as it came: it is too large, was not read, or is hidden. Have the sender deliver it again.',
  })
