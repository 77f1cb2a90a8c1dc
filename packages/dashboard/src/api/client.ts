import type { CrashProgress, DuplicatesProgress, EventExample, Tampered, TestEvent } from './lab-types'
import type {
  Delivery,
  EventPage,
  FailedPage,
  FigureRange,
  Figures,
  Finding,
  FullRecord,
  KeptDelivery,
  KeptPage,
  RecordPage,
  RecordState,
  RedriveCount,
  RedriveProgress,
  RefusedDelivery,
  RefusedPage,
  ReplayProgress,
  SearchProgress,
  ServerProcess,
  Session,
  Source,
  TestedAnswer,
  TestedPair,
} from './types'

/** The server's answer was a problem (RFC 9457), or there was none. */
export class ApiError extends Error {
  override name = 'ApiError'

  constructor(
    /** 0: no answer came. */
    readonly status: number,
    readonly code: string,
    readonly title: string,
    detail: string,
    readonly retryAfterSeconds: number | undefined = undefined,
  ) {
    super(detail)
  }
}

/** Told when the server no longer knows who we are. */
export const loggedOut = new EventTarget()

type Query = Record<string, string | undefined>

// Vite takes a `new URL` with `import.meta.url` inside for a file to copy.
const HERE = import.meta.url

/** The server's root, which a proxy may have put anywhere. This module is two folders below it, in the build and in `src`. */
const ROOT = new URL('../../', HERE)

/** The address of what the server has at this path. */
export const serverUrl = (path: string): string => new URL(path, ROOT).href

const SESSION = 'api/session'

/** Whatever else is on this host does not get the cookie. */
const OWN_PATH = { path: ROOT.pathname }

export const getSession = () => ask<Session>('GET', SESSION)

/** The token leaves the page in this body only. @throws {ApiError} 401: it is wrong; 429: too many were */
export const logIn = (token: string) => ask<Session>('POST', SESSION, { query: OWN_PATH, json: { token } })

export const logOut = () => ask<Session>('DELETE', SESSION, { query: OWN_PATH })

export const getSources = () => ask<Source[]>('GET', 'api/sources')

export const getFigures = (range: FigureRange) => ask<Figures>('GET', 'api/figures', { query: { range } })

export const getProcesses = () => ask<{ processes: ServerProcess[] }>('GET', 'api/processes')

export interface RecordFilter extends Selection {
  state?: RecordState
  label?: string
  /** The beginning of the event's type, and of its key. */
  type?: string
  key_prefix?: string
  /** A term of its source. */
  term?: string
  /** Part of the last error. */
  error?: string
  order?: 'newest'
}

export const getRecords = (query: RecordFilter & { after?: string; limit?: string }) =>
  ask<RecordPage>('GET', 'api/records', { query: { ...query } })

export const getRecord = (source: string, key: string) =>
  ask<FullRecord>('GET', 'api/record', { query: { source, key } })

export const deleteRecord = (source: string, key: string, force: boolean) =>
  ask('DELETE', 'api/record', { query: { source, key, force: force ? 'true' : undefined } })

/** `completed`: also what was processed already. `waiting`: also what waits for its next attempt. */
export const redriveRecord = (source: string, key: string, options: { completed?: true; waiting?: true } = {}) =>
  ask('POST', 'api/record/redrive', { query: { source, key }, json: options })

/** A selection by source and time. */
export interface Selection {
  source?: string
  since?: string
  until?: string
}

export const getDead = (query: Selection & { after?: string }) =>
  ask<EventPage>('GET', 'webhook/events', { query: { ...query, state: 'dead' } })

type ManyQuery = Selection & { error?: string }

/** How many dead deliveries fit now. */
export const countDead = async (query: ManyQuery): Promise<number> =>
  (await ask<RedriveCount>('POST', 'webhook/events/redrive', { query: { ...query, dry_run: 'true' } })).would_redrive

/** Begins the dead deliveries that fit again, if they still are as many; tells how far it is. @throws {ApiError} 409 */
export const redriveDead = (query: ManyQuery, count: number, ...told: Told<RedriveProgress>) =>
  runMany('POST', 'webhook/events/redrive', { query: { ...query, confirm: String(count) } }, ...told)

/** Deliveries of sources without an inbox, by when they failed. */
export const getFailed = (query: Selection & { after?: string }) =>
  ask<FailedPage>('GET', 'api/failed', { query: { ...query } })

/** How many that failed fit now. */
export const countFailed = async (query: Selection): Promise<number> =>
  (await ask<{ would_replay: number }>('POST', 'api/failed/replay', { query: { ...query, dry_run: 'true' } }))
    .would_replay

/** Replays those that fit, if they still are as many; tells how far it is. @throws {ApiError} 409 */
export const replayFailed = (query: Selection, count: number, ...told: Told<ReplayProgress>) =>
  runMany('POST', 'api/failed/replay', { query: { ...query, confirm: String(count) } }, ...told)

export const replayOne = (source: string, key: string) =>
  ask<TestedAnswer>('POST', 'api/failed/replay', { query: { source, key } })

export const getDeliveries = (query: Selection & { after?: string }) =>
  ask<KeptPage>('GET', 'api/deliveries', { query: { ...query } })

export const getDelivery = (source: string, id: string) =>
  ask<KeptDelivery & { delivery: Delivery }>('GET', 'api/delivery', { query: { source, id } })

/** Looks for a text in the bodies that are kept; tells what it found after each page. */
export const searchBodies = (query: Selection & { contains: string }, ...told: Told<SearchProgress>) =>
  runMany('GET', 'api/deliveries/search', { query: { ...query } }, ...told)

export const getRefused = (query: Selection & { after?: string }) =>
  ask<RefusedPage>('GET', 'api/refused', { query: { ...query } })

export const getRefusedDelivery = (source: string, id: string) =>
  ask<RefusedDelivery>('GET', 'api/refused/delivery', { query: { source, id } })

export const verifyRefused = (source: string, id: string) =>
  ask<{ verifies: boolean; findings: Finding[] }>('POST', 'api/refused/verify', { query: { source, id } })

export const acceptRefused = (source: string, id: string) =>
  ask<TestedAnswer>('POST', 'api/refused/accept', { query: { source, id } })

type Told<Progress> = [onProgress: (progress: Progress) => void, signal: AbortSignal]

/** Runs what works on many and writes a line of progress for each batch. */
async function runMany<Progress>(
  method: 'GET' | 'POST',
  path: string,
  sent: Sent,
  ...[onProgress, signal]: Told<Progress>
): Promise<void> {
  const response = await send(method, path, { ...sent, signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const parts = (rest + read.value).split('\n')
    rest = parts.pop()!
    for (const part of parts) onProgress(JSON.parse(part) as Progress)
  }
}

export const getExamples = async (source: string): Promise<EventExample[]> =>
  (await ask<{ examples: EventExample[] }>('GET', 'api/test/examples', { query: { source } })).examples

export const sendTest = (source: string, json: TestEvent) =>
  ask<TestedPair>('POST', 'api/test', { query: { source }, json })

export const sendTampered = (source: string, json: TestEvent & { tamper: string }) =>
  ask<Tampered>('POST', 'api/test/tampered', { query: { source }, json })

/** Sends an event many times at once; tells how far that is. */
export const sendDuplicates = (source: string, json: TestEvent, ...told: Told<DuplicatesProgress>) =>
  runToEnd('api/test/duplicates', { query: { source }, json }, ...told)

/** Simulates a crash and heals it; tells how far that is. */
export const crashAndHeal = (source: string, json: TestEvent, ...told: Told<CrashProgress>) =>
  runToEnd('api/test/crash', { query: { source }, json }, ...told)

/** As `runMany`, of what goes on in the server. @throws {ApiError} the last line did not come */
async function runToEnd<Progress extends { done: boolean }>(
  path: string,
  sent: Sent,
  ...[onProgress, signal]: Told<Progress>
): Promise<void> {
  let isDone = false
  const told = (progress: Progress) => {
    isDone = progress.done
    onProgress(progress)
  }
  await runMany('POST', path, sent, told, signal)
  if (isDone) return
  throw new ApiError(
    0,
    'unreachable',
    'The connection broke off',
    'The test goes on in the server: look at its record.',
  )
}

interface Sent {
  query?: Query
  json?: unknown
  signal?: AbortSignal
}

async function ask<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
  return (await (await send(method, path, sent)).json()) as T
}

async function send(method: string, path: string, { query = {}, json, signal }: Sent): Promise<Response> {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value)
  const response = await fetch(serverUrl(search.size > 0 ? `${path}?${search}` : path), {
    method,
    // No form of another site can send this: see the server's rule for changes.
    headers: { 'x-hookonce-operator': '1', ...(json !== undefined && { 'content-type': 'application/json' }) },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new ApiError(0, 'unreachable', 'The server does not answer', 'Is it running, and the network up?')
  })
  if (response.ok) return response
  const error = await problemOf(response)
  if (error.status === 401 && path !== SESSION) loggedOut.dispatchEvent(new Event('loggedout'))
  throw error
}

async function problemOf(response: Response): Promise<ApiError> {
  const fallback = { code: 'unknown', title: `The server answered ${response.status}`, detail: response.statusText }
  const problem = { ...fallback, ...((await response.json().catch(() => ({}))) as Partial<typeof fallback>) }
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new ApiError(
    response.status,
    problem.code,
    problem.title,
    problem.detail,
    Number.isNaN(retryAfter) ? undefined : retryAfter,
  )
}
