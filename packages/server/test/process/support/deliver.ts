import { type IncomingMessage, request } from 'node:http'
import { type HttpResponse, send } from '../../support/http.js'

interface Target {
  url: string
}

const EVENT = '{"event":"payment.created"}'

const eventHeaders = (key: string) => ({ 'content-type': 'application/json', 'x-idempotency-key': key })

/** Delivers an event; rejects when no whole answer came. */
export function deliver({ url }: Target, key: string, body = EVENT): Promise<HttpResponse> {
  return send(`${url}/webhook`, { headers: eventHeaders(key), body })
}

/** A delivery whose sender does not read the answer. */
export function deliverUnread({ url }: Target, key: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/webhook`, { method: 'POST', headers: eventHeaders(key), agent: false })
    outgoing.once('response', resolve).once('error', reject)
    outgoing.end(EVENT)
  })
}

export const isReplay = ({ headers }: HttpResponse): boolean => headers['x-cached'] === 'true'

/** What the operator route tells of a key; `undefined` if nothing is recorded. */
export async function recordOf({ url }: Target, key: string): Promise<RecordShown | undefined> {
  const { status, json } = await send(`${url}/webhook/idempotency/${key}`, { method: 'GET' })
  return status === 200 ? json : undefined
}

export interface RecordShown {
  state: string
  attempts: number
  losses: number
  body: string | null
  body_encoding: 'utf8' | 'base64'
  fencing_token: string
  duplicates: object
}

export function recordedBody({ body, body_encoding }: RecordShown): Buffer {
  return Buffer.from(body ?? '', body_encoding)
}

export function clear({ url }: Target, key: string, query = ''): Promise<HttpResponse> {
  return send(`${url}/webhook/idempotency/${key}${query}`, { method: 'DELETE' })
}
