import type { FastifyInstance } from 'fastify'
import { escapeHtml, PAGE_STYLE, pageAnswer } from '../html-page.js'
import { json, problems } from '../openapi/answers.js'
import { PROBLEM_HELP } from '../problem-help.js'
import { SERVER_PROBLEMS, type ServerProblemCode, serverProblem } from '../problems.js'
import { acceptsHtml, jsonAnswer, respond } from '../respond.js'

const CODES = Object.keys(SERVER_PROBLEMS)
const TEXT = { type: 'string' }
const PROBLEM_TYPE = {
  type: 'object',
  required: ['type', 'code', 'status', 'title', 'means', 'todo'],
  properties: { type: TEXT, code: { enum: CODES }, status: { type: 'integer' }, title: TEXT, means: TEXT, todo: TEXT },
}

/** The page that the `type` of a problem names (RFC 9457 §3.1.1). */
export function problemRoutes(app: FastifyInstance): void {
  const schema = {
    summary: 'What a problem means and what to do about it',
    tags: ['about'],
    params: { type: 'object', properties: { code: { type: 'string', examples: ['in_progress'] } } },
    response: { ...json('the problem', PROBLEM_TYPE), ...problems('not_found', 'bad_request') },
  }
  app.get<{ Params: { code: string } }>('/problems/:code', { schema }, (request, reply) => {
    const { code } = request.params
    if (!Object.hasOwn(SERVER_PROBLEMS, code)) {
      return respond(reply, serverProblem('not_found', { detail: 'There is no problem of this name.' }))
    }
    const [status, title] = SERVER_PROBLEMS[code as ServerProblemCode]
    const problem = { type: `/problems/${code}`, code, status, title, ...PROBLEM_HELP[code as ServerProblemCode] }
    respond(reply, acceptsHtml(request.raw) ? pageAnswer(page(problem)) : jsonAnswer(problem))
  })
}

function page({
  code,
  status,
  title,
  means,
  todo,
}: Record<'code' | 'title' | 'means' | 'todo', string> & { status: number }) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
<h1>${escapeHtml(title)}</h1>
<p><code>${code}</code>, status ${status}</p>
<h2>What it means</h2>
<p>${escapeHtml(means)}</p>
<h2>What to do</h2>
<p>${escapeHtml(todo)}</p>
</html>
`
}
