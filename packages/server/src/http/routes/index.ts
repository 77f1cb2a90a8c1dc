import type { FastifyInstance } from 'fastify'
import { PAGE_STYLE, pageAnswer } from '../html-page.js'
import { json } from '../openapi/answers.js'
import { acceptsHtml, jsonAnswer, respond } from '../respond.js'

const ENDPOINTS = {
  'POST /webhook': 'deliver an event; X-Idempotency-Key or Idempotency-Key makes it safe to send again',
  'POST /webhook/no-idempotency': 'deliver an event that is processed every time',
  'POST /hooks/{source}': 'deliver to a configured source',
  'GET /webhook/idempotency/{key}': 'the record of a key (operators)',
  'DELETE /webhook/idempotency/{key}': 'delete the record of a key (operators)',
  'GET /webhook/events': 'accepted deliveries, newest first (operators)',
  'POST /webhook/events/redrive': 'redrive dead deliveries (operators)',
  'GET /api/overview, /api/sources, /api/records': 'state, sources and records as JSON (operators)',
  'GET /dashboard': 'the dashboard, for browsers',
  'GET /docs, /openapi.json': 'the description of every route (operators)',
  'GET /metrics': 'metrics for Prometheus (operators)',
  'GET /health': 'whether this process is alive',
  'GET /readyz': 'whether it accepts deliveries',
  'GET /problems/{code}': 'what a problem type means',
}

const ABOUT = 'A webhook receiver with idempotency keys: one recorded result per key, replayed to every duplicate.'

/** `GET /`: the endpoints. */
export function indexRoute(app: FastifyInstance, { allowNoIdempotency }: { allowNoIdempotency: boolean }): void {
  const endpoints = Object.entries(ENDPOINTS).filter(([route]) => allowNoIdempotency || !/no-idempotency/.test(route))
  const schema = {
    tags: ['about'],
    summary: 'The endpoints',
    response: json('for programs; a page for browsers', { type: 'object' }),
  }
  app.get('/', { schema }, ({ raw }, reply) =>
    respond(
      reply,
      acceptsHtml(raw)
        ? pageAnswer(page(endpoints))
        : jsonAnswer({ name: 'hookonce', about: ABOUT, endpoints: Object.fromEntries(endpoints) }),
    ),
  )
}

function page(endpoints: [route: string, use: string][]): string {
  const rows = endpoints.map(([route, use]) => `<dt><code>${route}</code></dt><dd>${use}</dd>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Hookonce</title>
<style>${PAGE_STYLE}</style>
<h1>Hookonce</h1>
<p>${ABOUT}</p>
<p><a href="dashboard">Open the dashboard</a></p>
<dl>
${rows.join('\n')}
</dl>
</html>
`
}
