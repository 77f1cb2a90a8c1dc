import type { FastifyInstance } from 'fastify'
import type { Answer, Receiver } from 'hookonce'
import { describe } from '../describe-record.js'
import { forOperators, type Refusal } from '../operator-routes.js'
import { serverProblem } from '../problems.js'
import { jsonAnswer } from '../respond.js'

export interface RecordContext {
  receiver: Receiver
  refusal: Refusal
}

const PREFIX = '/webhook/idempotency/'

/** For operators: look at what is recorded for a key, or forget it. */
export function recordRoutes(app: FastifyInstance, { receiver, refusal }: RecordContext): void {
  const show = forOperators(refusal, async url => {
    const { source, key } = recordName(url)
    const record = await receiver.record(source, key)
    return record === undefined ? noRecord(source) : jsonAnswer(describe(record))
  })
  const clear = forOperators(refusal, async url => {
    const { source, key, force } = recordName(url)
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
