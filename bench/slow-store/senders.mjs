/**
 * Senders as they are: a delivery that is not acknowledged comes again, after what Retry-After says. Each comes at its time,
 * however long others take, and one of ten twice at once.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

const DUPLICATES = 0.1
const RETRY_AFTER_SECONDS = 5

/** Gives what became of each key: `{ answers: [{ status, ms }], bodies, acknowledgedAfterMs }`. */
export async function send(urls, { perSecond, seconds, giveUpAt }) {
  const keys = new Map()
  const going = []
  const startedAt = performance.now()
  for (let number = 0; number < perSecond * seconds; number++) {
    await delay(Math.max(0, startedAt + (1000 * number) / perSecond - performance.now()))
    const key = randomUUID()
    const told = { answers: [], bodies: new Set(), acknowledgedAfterMs: undefined }
    keys.set(key, told)
    const copies = Math.random() < DUPLICATES ? 2 : 1
    for (let copy = 0; copy < copies; copy++) going.push(deliver(urls, number + copy, key, told, giveUpAt))
  }
  await Promise.all(going)
  return keys
}

async function deliver(urls, first, key, told, giveUpAt) {
  const firstSentAt = performance.now()
  for (let attempt = first; performance.now() < giveUpAt(); attempt++) {
    const sentAt = performance.now()
    const response = await fetch(`${urls[attempt % urls.length]}/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-idempotency-key': key },
      body: '{"event":"payment.received"}',
    })
    const body = await response.text()
    const now = performance.now()
    told.answers.push({ status: response.status, ms: now - sentAt })
    if (response.ok) {
      told.bodies.add(body)
      told.acknowledgedAfterMs ??= now - firstSentAt
      return
    }
    const after = Number(response.headers.get('retry-after') ?? RETRY_AFTER_SECONDS)
    await delay(1000 * after * (1 + Math.random() / 2))
  }
}
