import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe } from 'vitest'
import { startPostgres } from '../../../../../scripts/test-servers/postgres.js'
import { startRedis } from '../../../../../scripts/test-servers/redis.js'
import { TOOL_TIMEOUT_MS } from '../../../../../scripts/test-tools/index.js'
import { stopOutsideTransaction } from './lock.js'
import { newStoreFile, type ServerProcess, type Settings } from './server.js'

/** A store that several server processes may share. */
export interface SharedStore {
  /** Settings of servers that share records which nobody else has seen. */
  fresh(): Settings
  /** SIGSTOP, at a moment when the others can go on. */
  stop(server: ServerProcess, settings: Settings): Promise<void>
}

/** One whose server can be taken away. */
export interface RemoteStore extends SharedStore {
  /** SIGKILL, for a database that has fsync on: what it acknowledged is on disk. */
  killServer(): Promise<void>
  restartServer(): Promise<void>
  pauseServer(): void
  resumeServer(): void
  /** The answer to a command of Redis. */
  ask?(...command: string[]): Promise<string>
}

export const sqlite: SharedStore = {
  fresh: () => ({ HOOKONCE_STORE_URL: `sqlite:${newStoreFile()}` }),
  stop: (server, { HOOKONCE_STORE_URL }) =>
    stopOutsideTransaction(server, String(HOOKONCE_STORE_URL).slice('sqlite:'.length)),
}

/** What a process does to a server's records is one command: stopped, it holds nothing that others wait for. */
const stop = async (server: ServerProcess) => server.signal('SIGSTOP')

/** Runs cases on a Redis of their own, as durable as Redis can be. */
export function onRedis(cases: (store: RemoteStore) => void): void {
  describe('redis', () => {
    let redis: Awaited<ReturnType<typeof startRedis>>
    beforeAll(async () => {
      redis = await startRedis({ appendfsync: 'always' })
    }, TOOL_TIMEOUT_MS)
    afterAll(() => redis?.stop())
    const fresh = () => ({ HOOKONCE_STORE_URL: redis.url, HOOKONCE_REDIS_PREFIX: `${randomUUID()}:` })
    cases({
      fresh,
      stop,
      killServer: () => redis.kill(),
      restartServer: () => redis.restart(),
      pauseServer: () => redis.pause(),
      resumeServer: () => redis.resume(),
      ask: (...command) => redis.ask(...command),
    })
  })
}

/** Runs cases on a Postgres of their own. */
export function onPostgres(cases: (store: RemoteStore) => void): void {
  describe('postgres', () => {
    let postgres: Awaited<ReturnType<typeof startPostgres>>
    beforeAll(async () => {
      postgres = await startPostgres({ settings: { max_connections: '200' } })
    }, TOOL_TIMEOUT_MS)
    afterAll(() => postgres?.stop())
    const fresh = () => ({
      HOOKONCE_STORE_URL: postgres.url,
      HOOKONCE_POSTGRES_SCHEMA: `s_${randomUUID().replaceAll('-', '')}`,
    })
    cases({
      fresh,
      stop,
      killServer: () => postgres.kill(),
      restartServer: () => postgres.restart(),
      pauseServer: () => postgres.pause(),
      resumeServer: () => postgres.resume(),
    })
  })
}
