import { type Handler, problem } from 'hookonce'
import { v7 as uuidv7 } from 'uuid'

const JSON_HEADERS = [['content-type', 'application/json']] as const

/** Accepts any event; the event id names this one acceptance of it. */
export const acknowledge: Handler = () => {
  const body = { status: 'success', message: 'Webhook processed successfully', event_id: uuidv7() }
  return { status: 200, headers: JSON_HEADERS, body: Buffer.from(JSON.stringify(body)) }
}

/** Accepts JSON events only: where nobody signs them, what is no JSON is nobody's event. */
export const acknowledgeJson: Handler = (delivery, attempt) => {
  try {
    delivery.json()
  } catch {
    return problem('body_invalid', { detail: 'The body is not JSON.' })
  }
  return acknowledge(delivery, attempt)
}
