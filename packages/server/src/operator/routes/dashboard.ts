import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Answer } from 'hookonce'
import { acceptedEncoding } from '../../http/accept-encoding.js'
import { media, problems } from '../../http/openapi/answers.js'
import { serverProblem } from '../../http/problems.js'
import { respond } from '../../http/respond.js'
import { type DashboardFile, dashboardFiles, PAGE, withoutSlash } from '../dashboard-files.js'

/** The dashboard. Its files contain no data and are public: its data comes from the API. */
export function dashboardRoutes(app: FastifyInstance): void {
  const files = dashboardFiles()
  const index = files.get(PAGE)
  const absent = serverProblem('not_found', index ? {} : { detail: 'It is not built: npm run build.' })
  const page = index && withoutSlash(index.plain)
  app.get('/dashboard', { schema: describe('The dashboard', 'text/html') }, (_, reply) =>
    respond(reply, page ?? absent),
  )
  const schema = { ...describe('The files of the dashboard', '*/*'), params: NAMED }
  app.get<{ Params: { '*': string } }>('/dashboard/*', { schema }, ({ params, raw }, reply) => {
    const file = files.get(params['*'] || PAGE)
    respond(reply, file === undefined ? absent : asAccepted(raw, file))
  })
}

function asAccepted(request: IncomingMessage, { plain, encoded }: DashboardFile): Answer {
  const encoding = acceptedEncoding(request)
  return (encoding && encoded.get(encoding)) ?? plain
}

const NAMED = { type: 'object', properties: { '*': { type: 'string', examples: [PAGE] } } }

const describe = (summary: string, type: string) => ({
  tags: ['about'],
  summary,
  response: { ...media('a file', type), ...problems('not_found') },
})
