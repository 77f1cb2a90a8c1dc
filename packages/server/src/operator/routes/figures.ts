import type { FastifyInstance } from 'fastify'
import { compressed } from '../../http/compress.js'
import { json, OPERATORS, operatorProblems, query, SOURCE } from '../../http/openapi/answers.js'
import { jsonAnswer } from '../../http/respond.js'
import { listProcesses } from '../../journal/heartbeat.js'
import { Rhythms } from '../../journal/rhythm.js'
import { RANGES, type Range } from '../../journal/steps.js'
import { forOperators, type Refusal } from '../auth/guard.js'
import { FIGURES, figuresJson, PROCESSES, processJson } from '../figures-json.js'
import { type FleetContext, fleetFigures } from '../fleet-figures.js'

export interface FiguresRoutesContext extends Omit<FleetContext, 'rhythms'> {
  refusal: Refusal
}

const RANGE = { type: 'string', enum: Object.keys(RANGES), default: '1h', description: 'up to now' }
const ANY_SOURCE = { ...SOURCE, default: undefined, description: 'default: every source' }

/** What the processes on this store do, and which they are. */
export function figuresRoutes(app: FastifyInstance, context: FiguresRoutesContext): void {
  const { refusal, journal } = context
  const fleet = { ...context, rhythms: new Rhythms(context) }

  app.get('/api/figures', {
    schema: {
      ...OPERATORS,
      summary: 'What all processes on this store did, in a range of time that restarts do not end',
      description: 'Of other processes than the one that answers, the present minute is up to 15 s old.',
      ...query({ range: RANGE, source: ANY_SOURCE }),
      response: { ...json('the figures', FIGURES), ...operatorProblems('not_found') },
    },
    ...forOperators(refusal, async (_, { raw, query }) => {
      const asked = { ...(query as { range: Range; source?: string }), now: Date.now() }
      return compressed(raw, jsonAnswer(figuresJson(asked, await fleetFigures(fleet, asked))))
    }),
  })

  app.get('/api/processes', {
    schema: {
      ...OPERATORS,
      summary: 'The processes on this store, the last seen first',
      description: 'One that stops in good order is gone from the list; another one ten minutes after it was seen.',
      response: { ...json('the processes', PROCESSES), ...operatorProblems() },
    },
    ...forOperators(refusal, async () => {
      const now = Date.now()
      const processes = await listProcesses(journal, now)
      return jsonAnswer({ as_of: new Date(now).toISOString(), processes: processes.map(processJson) })
    }),
  })
}
