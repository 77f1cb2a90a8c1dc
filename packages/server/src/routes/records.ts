import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer, HeaderList, Receiver, ReceiverRecord } from 'hookonce'
import { serverProblem } from '../problems.js'
import { jsonAnswer, respond } from '../respond.js'

export interface RecordContext {
  receiver: Receiver
  refusal: (request: FastifyRequest['raw']) => Answer | undefined
}

const PREFIX = '/webhook/idempotency/'

/** For operators: look at what is recorded for a key, or forget it. */
export function recordRoutes(app: FastifyInstance, { receiver, refusal }: RecordContext): void {
  const forOperators = (answer: (name: RecordName) => Promise<Answer>) => ({
    onRequest: (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const refused = refusal(request.raw)
      if (refused === undefined) done()
      else respond(reply, refused)
    },
    handler: async (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
      respond(reply, await answer(recordName(request.raw.url!))),
  })

  const show = forOperators(async ({ source, key }) => {
    const record = await receiver.record(source, key)
    return record === undefined ? noRecord(source) : jsonAnswer(describe(record))
  })
  const clear = forOperators(async ({ source, key, force }) => {
    switch (await receiver.deleteRecord(source, key, { force })) {
      case 'deleted':
        return jsonAnswer({ status: 'cleared', key })
      case 'absent':
        return noRecord(source)
      case 'running':
        return serverProblem('record_running', {
          detail: 'To clear it nevertheless, and refuse its result: ?force=true',
        })
    }
  })
  app.get(`${PREFIX}*`, show)
  app.delete(`${PREFIX}*`, clear)
}

interface RecordName {
  source: string
  key: string
  force: boolean
}

/** A key may hold any visible ASCII, `/` and `%` included, so it is read from the URL as it was sent. */
function recordName(url: string): RecordName {
  const [path = '', search] = url.split('?', 2)
  const query = new URLSearchParams(search)
  return {
    source: query.get('source') ?? 'default',
    key: decodeURIComponent(path.slice(PREFIX.length)),
    force: query.get('force') === 'true',
  }
}

function noRecord(source: string): Answer {
  return serverProblem('not_found', { detail: `Nothing is recorded for this key of the source "${source}".` })
}

function describe(record: ReceiverRecord) {
  const { response } = record
  const utf8 = response === null || isUtf8(response.body)
  return {
    key: record.key,
    source: record.scope,
    state: record.state,
    attempts: record.attempts,
    losses: record.losses,
    status_code: response?.status ?? null,
    headers: response === null ? null : headerObject(response.headers),
    body: response === null ? null : Buffer.from(response.body).toString(utf8 ? 'utf8' : 'base64'),
    body_encoding: utf8 ? 'utf8' : 'base64',
    body_omitted: response?.bodyOmitted ?? false,
    cached_at: record.state === 'completed' ? isoTime(record.settledAt) : null,
    expires_at: isoTime(record.expiresAt),
    lease_ends_at: record.state === 'running' ? isoTime(record.leaseEndsAt) : null,
    last_error: record.lastError,
    fencing_token: record.fencingToken,
    created_at: isoTime(record.createdAt),
  }
}

function isoTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** A header that stands more than once has a list of values. */
function headerObject(headers: HeaderList): Record<string, string | string[]> {
  const byName = new Map<string, string[]>()
  for (const [name, value] of headers) byName.set(name, [...(byName.get(name) ?? []), value])
  return Object.fromEntries([...byName].map(([name, values]) => [name, values.length === 1 ? values[0]! : values]))
}
