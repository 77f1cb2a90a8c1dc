import { setTimeout } from 'node:timers/promises'
import { SOURCE } from './scene.js'

export interface Answer {
  status: number
  isReplay: boolean
  body: string
}

const BODY = JSON.stringify({ event: 'order.paid', cents: 1999 })

/** A receiver that has too much to do says so: a sender comes back. */
const RETRIES = 20
const RETRY_MS = 500

/** Delivers an event as a sender does, until it is answered with its result. @throws the connection broke */
export async function deliver(url: string, key: string): Promise<Answer> {
  for (let retry = 0; ; retry++) {
    const response = await fetch(`${url}/hooks/${SOURCE}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: BODY,
    })
    const answer = {
      status: response.status,
      isReplay: response.headers.get('x-cached') === 'true',
      body: await response.text(),
    }
    if (![409, 503].includes(answer.status) || retry === RETRIES) return answer
    await setTimeout(RETRY_MS)
  }
}
