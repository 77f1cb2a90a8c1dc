import type { FastifyInstance } from 'fastify'
import type { ResolvedSource } from '../../config/resolve.js'
import { timingOfSource } from '../../config/source-timing.js'
import { json, OPERATORS, operatorProblems } from '../../http/openapi/answers.js'
import { ref } from '../../http/openapi/schemas.js'
import { jsonAnswer } from '../../http/respond.js'
import type { Activity } from '../../observability/activity/index.js'
import { forOperators, type Refusal } from '../auth/guard.js'

export interface ApiSourceContext {
  sources: ReadonlyMap<string, ResolvedSource>
  activity: Activity
  refusal: Refusal
}

/** The sources and their settings. */
export function apiSourceRoute(app: FastifyInstance, { sources, activity, refusal }: ApiSourceContext): void {
  app.get('/api/sources', {
    schema: {
      ...OPERATORS,
      summary: 'The configured sources',
      response: { ...json('by name', { type: 'array', items: ref('Source') }), ...operatorProblems() },
    },
    ...forOperators(refusal, async () => {
      const bySource = await activity.bySource()
      return jsonAnswer(
        [...sources].map(([name, source]) => ({ ...describeSource(name, source), ...bySource.get(name) })),
      )
    }),
  })
}

function describeSource(name: string, source: ResolvedSource) {
  const { handle, options, inbox } = source
  const { sender } = options
  const { retentionMs, waitMs } = timingOfSource(source)
  return {
    name,
    mode: inbox === undefined ? 'inline' : 'inbox',
    ...(sender !== undefined && { sender: { name: sender.facts.name, title: sender.facts.title } }),
    handle: typeof handle === 'function' ? 'function' : handle.kind,
    // The path and the query of a target may contain a secret.
    ...(typeof handle === 'object' && handle.kind === 'forward' && { forward_to: new URL(handle.url).origin }),
    retention_ms: retentionMs,
    lock_ttl_ms: options.lockTtlMs,
    lease_ms: options.leaseMs,
    wait_ms: waitMs,
    ...(typeof sender?.facts.deadlineMs === 'number' && { deadline_ms: sender.facts.deadlineMs }),
    records_bodies: options.maxResponseBytes !== 0,
  }
}
