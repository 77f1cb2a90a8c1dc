import { type Handler, problem } from 'hookonce'
import { v7 as uuidv7 } from 'uuid'

const JSON_HEADERS = [['content-type', 'application/json']] as const

/** Accepts any JSON event; the event id names this one acceptance of it. */
export const acknowledgeEvent: Handler = delivery => {
  try {
    delivery.json()
  } catch {
    return problem('body_invalid', { detail: 'The body is not JSON.' })
  }
  const body = { status: 'success', message: 'Webhook processed successfully', event_id: uuidv7() }
  return { status: 200, headers: JSON_HEADERS, body: Buffer.from(JSON.stringify(body)) }
}
