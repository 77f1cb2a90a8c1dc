/** One SET that takes the key or gives what is there, and one that keeps the answer; one connection. */
import { Redis } from 'ioredis'

const RETENTION_MS = 3_600_000
const RUNNING_MS = 15_000 + RETENTION_MS

export function open(url) {
  const redis = new Redis(url)
  const record = (state, { leaseId, fingerprint }) => `${state}${leaseId}${fingerprint}${Date.now()}`
  return {
    take: async (key, attempt) => {
      const running = record('r', attempt)
      const known = await redis.setBuffer(`floor:${key}`, running, 'PX', RUNNING_MS, 'NX', 'GET')
      // What precedes the result is as long in every record.
      return known === null ? undefined : known.subarray(running.length)
    },
    keep: (key, attempt, result) =>
      redis.set(`floor:${key}`, Buffer.concat([Buffer.from(record('c', attempt)), result]), 'PX', RETENTION_MS),
  }
}
