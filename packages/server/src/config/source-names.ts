/** The route of deliveries without keys, and the name that its source has. */
export const KEYLESS = '/webhook/no-idempotency'
