import { randomBytes } from 'node:crypto'

const processId = randomBytes(16).toString('base64url')
let leases = 0

/** 128 random bits of this process's and a count: as unique as bits of its own, and cheaper. */
export const newLeaseId = (): string => `${processId}.${(++leases).toString(36)}`
