import type { Sender } from 'hookonce/senders'
import { type HttpResponse, send } from './http.js'

export interface SignedOptions {
  id?: string
  body?: string
  headers?: Record<string, string>
}

/** The headers and the body of an event of this sender. */
export function signed(sender: Sender, { id = 'id-1', body = '{}', headers = {} }: SignedOptions = {}) {
  const event = { method: 'POST', url: 'http://localhost/', body: Buffer.from(body), id, now: Date.now() }
  return {
    headers: { 'content-type': 'application/json', ...Object.fromEntries(sender.sign(event)), ...headers },
    body,
  }
}

/** Delivers an event as this sender does. */
export const sendSigned = (url: string, sender: Sender, options?: SignedOptions): Promise<HttpResponse> =>
  send(url, signed(sender, options))
