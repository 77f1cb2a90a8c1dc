import type { FastifyInstance } from 'fastify'
import { json, media, OPERATORS, operatorProblems } from '../openapi/answers.js'
import { documentOf } from '../openapi/document.js'
import { documentationPage } from '../openapi/page.js'
import { forOperators, pageForOperators, type Refusal } from '../operator/routes.js'
import { pageAnswer } from '../page.js'
import { jsonAnswer } from '../respond.js'
import type { Route } from '../router.js'

/** The API described: for programs, and for people without anything from elsewhere. */
export function docsRoutes(app: FastifyInstance, routes: readonly Route[], refusal: Refusal): void {
  const document = documentOf(routes)
  app.get('/openapi.json', {
    schema: {
      ...OPERATORS,
      summary: 'This document',
      response: { ...json('OpenAPI 3.1', { type: 'object' }), ...operatorProblems() },
    },
    ...forOperators(refusal, async () => jsonAnswer(await document())),
  })
  app.get('/docs', {
    schema: {
      ...OPERATORS,
      summary: 'The API, described for people',
      response: { ...media('a page', 'text/html'), ...operatorProblems() },
    },
    ...pageForOperators(refusal, async (_, { raw }) =>
      pageAnswer(documentationPage(await document(), `http://${raw.headers.host ?? 'localhost:8000'}`)),
    ),
  })
}
