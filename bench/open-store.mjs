import { memoryStore } from 'hookonce/stores/memory'
import { postgresStore } from 'hookonce/stores/postgres'
import { redisStore } from 'hookonce/stores/redis'
import { sqliteStore } from 'hookonce/stores/sqlite'

const OPEN = {
  memory: () => memoryStore(),
  sqlite: ({ path }) => sqliteStore(path),
  redis: ({ url }) => redisStore(url),
  postgres: ({ url, schema }) => postgresStore(url, { schema }),
}

/** The store that a bench's process was told to work with. */
export async function openStore({ kind, ...where }) {
  const store = OPEN[kind](where)
  await store.ready()
  return store
}
