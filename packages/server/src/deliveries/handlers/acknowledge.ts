import { type Handler, problem } from 'hookonce'
import { v7 as uuidv7 } from 'uuid'

const JSON_HEADERS = [['content-type', 'application/json']] as const

/** Accepts any event; every acceptance gets an event id of its own. */
export const acknowledge: Handler = () => {
  const body = { status: 'success', message: 'Webhook processed successfully', event_id: uuidv7() }
  return { status: 200, headers: JSON_HEADERS, body: Buffer.from(JSON.stringify(body)) }
}

/** Accepts JSON events only: without a signature nothing else shows that a body is an event. */
export const acknowledgeJson: Handler = (delivery, attempt) => {
  try {
    delivery.json()
  } catch {
    return problem('body_invalid', { detail: 'The body is not JSON.' })
  }
  return acknowledge(delivery, attempt)
}
