import { createHash } from 'node:crypto'

/** SHA-256 of the raw bytes: no parsing, so that nothing but the same bytes is the same. */
export const bodyFingerprint = (body: Uint8Array): string => createHash('sha256').update(body).digest('base64url')
