import type { FastifyInstance } from 'fastify'
import { json, media, OPERATORS, operatorProblems } from '../openapi/answers.js'
import { documentationPage, type OpenApi } from '../openapi/page.js'
import { forOperators, pageForOperators, type Refusal } from '../operator/routes.js'
import { pageAnswer } from '../page.js'
import { jsonAnswer } from '../respond.js'

/** The API described: for programs, and for people without anything from elsewhere. */
export function docsRoutes(app: FastifyInstance, refusal: Refusal): void {
  app.get('/openapi.json', {
    schema: {
      ...OPERATORS,
      summary: 'This document',
      response: { ...json('OpenAPI 3.1', { type: 'object' }), ...operatorProblems() },
    },
    ...forOperators(refusal, async () => jsonAnswer(app.swagger())),
  })
  app.get('/docs', {
    schema: {
      ...OPERATORS,
      summary: 'The API, described for people',
      response: { ...media('a page', 'text/html'), ...operatorProblems() },
    },
    ...pageForOperators(refusal, async (_, { raw }) =>
      pageAnswer(documentationPage(app.swagger() as OpenApi, `http://${raw.headers.host ?? 'localhost:8000'}`)),
    ),
  })
}
