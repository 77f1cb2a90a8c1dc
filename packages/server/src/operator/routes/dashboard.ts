import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import type { Answer } from 'hookonce'
import { media, problems } from '../../http/openapi/answers.js'
import { serverProblem } from '../../http/problems.js'
import { respond } from '../../http/respond.js'

/** The build of packages/dashboard; the same path from `src` and from `dist`. */
const FOLDER = fileURLToPath(new URL('../../../dist/dashboard/', import.meta.url))
const PAGE = 'index.html'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Only its own files and its own server; no script from a string. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** The dashboard. Its files contain no data and are public: its data comes from the API. */
export function dashboardRoutes(app: FastifyInstance): void {
  const files = loadFiles()
  const absent = serverProblem('not_found', files.has(PAGE) ? {} : { detail: 'It is not built: npm run build.' })
  app.get('/dashboard', { schema: describe('The dashboard', 'text/html') }, (_, reply) =>
    respond(reply, files.get(PAGE) ?? absent),
  )
  const schema = { ...describe('The files of the dashboard', '*/*'), params: NAMED }
  app.get<{ Params: { '*': string } }>('/dashboard/*', { schema }, ({ params }, reply) =>
    respond(reply, files.get(params['*'] || PAGE) ?? absent),
  )
}

const NAMED = { type: 'object', properties: { '*': { type: 'string', examples: [PAGE] } } }

const describe = (summary: string, type: string) => ({
  tags: ['about'],
  summary,
  response: { ...media('a file', type), ...problems('not_found') },
})

function loadFiles(): Map<string, Answer> {
  const files = new Map<string, Answer>()
  for (const entry of namesIn(FOLDER)) {
    const type = TYPES[extname(entry)]
    if (type !== undefined) files.set(entry, fileAnswer(entry, type))
  }
  return files
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => name.replaceAll('\\', '/'))
  } catch {
    return []
  }
}

/** The name of every file except the page contains a hash of its content. */
function fileAnswer(name: string, type: string): Answer {
  return {
    status: 200,
    headers: [
      ['content-type', type],
      ['cache-control', name === PAGE ? 'no-cache' : 'public, max-age=31536000, immutable'],
      ['content-security-policy', POLICY],
    ],
    body: readFileSync(join(FOLDER, name)),
    outcome: 'executed',
  }
}
