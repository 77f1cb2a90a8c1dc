import { StartError } from '../../../config/start-error.js'
import type { Snapshot } from '../../../observability/activity/index.js'
import { ServerApi, type ServerAway } from '../../server-api.js'
import { clockFinding, type Finding, fail, ok, warn } from './finding.js'
import { type ListedFigures, type ListedProcesses, processFindings } from './server-processes.js'
import { sourceFindings } from './server-sources.js'

const TIMEOUT_MS = 10_000
const TRIES = 3
const SLOW_STORE_MS = 100

/** Asks a running server how it and the other processes on its store do. */
export async function serverFindings(url: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const api = new ServerApi(url, env, TIMEOUT_MS)
  const alive = await probe(api, 'healthz')
  if ('error' in alive) return [fail('server', alive.error, 'start it, or correct --url')]
  if (alive.status !== 200) {
    return [fail('server', `${api.origin}/healthz answered ${alive.status}: no server of Hookonce`, 'correct --url')]
  }
  return [
    ok('server', `${api.origin} is up, and answers in ${Math.round(alive.ms)} ms`),
    ...(await readiness(api, alive.ms)),
    ...(await operatorFindings(api)),
  ]
}

async function operatorFindings(api: ServerApi): Promise<Finding[]> {
  try {
    const listed = await api.get<ListedProcesses>('api/processes')
    const clock = await clockFinding(async () => Date.parse((await api.get<ListedProcesses>('api/processes')).as_of), {
      whose: 'the server',
      matters: 'one of them decides over the timestamps of signatures, and over what is recent',
    })
    const overview = await api.get<Snapshot>('api/overview')
    const figures = await api.get<ListedFigures>('api/figures', { range: '1h' })
    return [...processFindings(listed), clock, ...sourceFindings(figures, overview.inbox, listed)]
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    return [
      fail(
        'what the server tells operators',
        error.message,
        'give this command the token of operators; if the answer is 503, mend the store',
      ),
    ]
  }
}

type Probed = { error: string } | { status: number; ms: number; code?: string }

/** The quickest of a few answers. */
async function probe(api: ServerApi, path: string): Promise<Probed> {
  let best: Probed | undefined
  for (let i = 0; i < TRIES; i++) {
    const sentAt = performance.now()
    try {
      const response = await api.ask('GET', path, {})
      const { code } = (await response.json().catch(() => ({}))) as { code?: string }
      const ms = performance.now() - sentAt
      if (!response.ok) return { status: response.status, ms, ...(code !== undefined && { code }) }
      if (best === undefined || 'error' in best || ms < best.ms) best = { status: response.status, ms }
    } catch (error) {
      return { error: (error as ServerAway).message }
    }
  }
  return best!
}

/** @param aliveMs how long an answer takes for which the store is not asked */
async function readiness(api: ServerApi, aliveMs: number): Promise<Finding[]> {
  const ready = await probe(api, 'readyz')
  if ('error' in ready) return [fail('ready', ready.error, 'its log says what its store does')]
  if (ready.code === 'shutting_down') return [fail('ready', 'it shuts down', 'ask another one, or start it again')]
  if (ready.status !== 200) {
    return [fail('ready', 'it takes no deliveries: its store cannot do its work', 'its log says why; mend the store')]
  }
  const storeMs = Math.max(0, ready.ms - aliveMs)
  const shown = `the server's store is reached, in about ${storeMs < 1 ? 'a millisecond' : `${Math.round(storeMs)} ms`}`
  return [
    ok('ready', 'it accepts deliveries'),
    storeMs <= SLOW_STORE_MS
      ? ok('store of the server', shown)
      : warn('store of the server', shown, 'bring it nearer, or see what it is busy with: each delivery waits for it'),
  ]
}
