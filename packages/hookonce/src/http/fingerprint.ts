import { hash } from 'node:crypto'

/** SHA-256 of the raw bytes, without parsing: only equal bytes have equal fingerprints. */
export const bodyFingerprint = (body: Uint8Array): string => hash('sha256', body, 'base64url')
