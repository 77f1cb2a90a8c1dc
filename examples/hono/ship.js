const CARRIER_URL = process.env.CARRIER_URL ?? 'http://localhost:3001/shipments'

/** Orders a shipment. The carrier makes one shipment per idempotency key, however often it is asked. */
export async function ship(order, { idempotencyKey }) {
  const response = await fetch(CARRIER_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(order),
  })
  // Throwing fails the attempt: nothing is recorded, and the sender's retry asks the carrier again, under the same key.
  if (!response.ok) throw new Error(`the carrier answered ${response.status}`)
  return response.json()
}
