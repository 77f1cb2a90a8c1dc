export interface Received {
  status: number
  cached: boolean
  body: string
}

/** Delivers one event, as a sender does. */
export async function deliver(url: string, key: string, event: unknown): Promise<Received> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-idempotency-key': key },
    body: JSON.stringify(event),
  })
  const { status, headers } = response
  return { status, cached: headers.get('x-cached') === 'true', body: await response.text() }
}
