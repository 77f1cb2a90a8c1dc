import { hash } from 'node:crypto'

/** SHA-256 of the raw bytes: no parsing, so that nothing but the same bytes is the same. */
export const bodyFingerprint = (body: Uint8Array): string => hash('sha256', body, 'base64url')
