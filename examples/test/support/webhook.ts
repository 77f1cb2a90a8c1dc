import { setTimeout as delay } from 'node:timers/promises'

export interface Received {
  status: number
  cached: boolean
  body: string
}

/**
 * Delivers one event, as a sender does: again while the answer is 503, for a busy machine makes the store's tables slower
 * than a delivery waits.
 */
export async function deliver(url: string, key: string, event: unknown): Promise<Received> {
  const received = await deliverOnce(url, key, event)
  if (received.status !== 503) return received
  await delay(200)
  return deliver(url, key, event)
}

async function deliverOnce(url: string, key: string, event: unknown): Promise<Received> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-idempotency-key': key },
    body: JSON.stringify(event),
  })
  const { status, headers } = response
  return { status, cached: headers.get('x-cached') === 'true', body: await response.text() }
}
