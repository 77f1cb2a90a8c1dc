/** The route of deliveries without keys, and the name of its source. */
export const KEYLESS = '/webhook/no-idempotency'
