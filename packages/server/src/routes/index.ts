import type { FastifyInstance } from 'fastify'
import { jsonAnswer, respond, textAnswer } from '../respond.js'

const ENDPOINTS = {
  'POST /webhook': 'deliver an event; X-Idempotency-Key or Idempotency-Key makes it safe to send again',
  'POST /webhook/no-idempotency': 'deliver an event that is processed every time',
  'POST /hooks/{source}': 'deliver to a configured source',
  'GET /webhook/idempotency/{key}': 'what is recorded for a key (operators)',
  'DELETE /webhook/idempotency/{key}': 'forget a key (operators)',
  'GET /webhook/events': 'what an inbox accepted, newest first (operators)',
  'POST /webhook/events/redrive': 'begin dead deliveries again (operators)',
  'GET /metrics': 'metrics for Prometheus (operators)',
  'GET /health': 'whether this process is alive',
  'GET /readyz': 'whether it takes deliveries',
  'GET /problems/{code}': 'what a problem type means',
}

const ABOUT = 'A webhook receiver with idempotency keys: one recorded result per key, replayed to every duplicate.'

/** What this is and where to look. */
export function indexRoute(app: FastifyInstance, { allowNoIdempotency }: { allowNoIdempotency: boolean }): void {
  const endpoints = Object.entries(ENDPOINTS).filter(([route]) => allowNoIdempotency || !/no-idempotency/.test(route))
  app.get('/', (request, reply) => {
    const asksForHtml = /\btext\/html\b/.test(request.headers.accept ?? '')
    respond(
      reply,
      asksForHtml
        ? textAnswer('text/html; charset=utf-8', page(endpoints))
        : jsonAnswer({ name: 'hookonce', about: ABOUT, endpoints: Object.fromEntries(endpoints) }),
    )
  })
}

function page(endpoints: [route: string, use: string][]): string {
  const rows = endpoints.map(([route, use]) => `<dt><code>${route}</code></dt><dd>${use}</dd>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Hookonce</title>
<h1>Hookonce</h1>
<p>${ABOUT}</p>
<dl>
${rows.join('\n')}
</dl>
</html>
`
}
