import type { FastifyInstance } from 'fastify'
import { compressed } from '../../http/compress.js'
import { pageAnswer } from '../../http/html-page.js'
import { json, media, OPERATORS, operatorProblems } from '../../http/openapi/answers.js'
import { documentOf } from '../../http/openapi/document.js'
import { documentationPage } from '../../http/openapi/page.js'
import { jsonAnswer } from '../../http/respond.js'
import type { Route } from '../../http/router.js'
import { forOperators, pageForOperators, type Refusal } from '../auth/guard.js'

/** The API as OpenAPI and as a page. */
export function docsRoutes(app: FastifyInstance, routes: readonly Route[], refusal: Refusal): void {
  const document = documentOf(routes)
  app.get('/openapi.json', {
    schema: {
      ...OPERATORS,
      summary: 'This document',
      response: { ...json('OpenAPI 3.1', { type: 'object' }), ...operatorProblems() },
    },
    ...forOperators(refusal, async (_, { raw }) => compressed(raw, jsonAnswer(await document()))),
  })
  app.get('/docs', {
    schema: {
      ...OPERATORS,
      summary: 'The API, described for people',
      response: { ...media('a page', 'text/html'), ...operatorProblems() },
    },
    ...pageForOperators(refusal, async (_, { raw }) =>
      compressed(
        raw,
        pageAnswer(documentationPage(await document(), `http://${raw.headers.host ?? 'localhost:8000'}`)),
      ),
    ),
  })
}
