import { existsSync } from 'node:fs'
import { createInbox, createReceiver, type Inbox, type Receiver, type Store } from 'hookonce'
import type { ResolvedConfig } from '../../config/resolve.js'
import { StartError } from '../../config/start-error.js'
import { createLogger } from '../../observability/log.js'
import { openStore } from '../../runtime/open-store.js'

export interface CommandStore {
  config: ResolvedConfig
  store: Store
  place: string
  receiver: Receiver
  inbox: Inbox
}

/** Opens the store of a server with these settings. @throws {StartError} */
export async function openCommandStore(config: ResolvedConfig): Promise<CommandStore> {
  const missing = missingStore(config)
  if (missing !== undefined) throw new StartError(missing.reason, missing.exitCode)
  const { store, place } = await openStore(config.store, config.storeOptions, createLogger('silent', 'json'))
  const { lockTtlMs, leaseMs } = config.sources.get('default')!.options
  const { storeTimeoutMs } = config.storeOptions
  const receiver = createReceiver({ store, lockTtlMs, leaseMs, storeTimeoutMs })
  return { config, store, place, receiver, inbox: createInbox({ receiver, handlers: {} }) }
}

/** Why there is no store to open: a command creates none. */
export function missingStore({ store }: ResolvedConfig): { reason: string; exitCode: 1 | 2 } | undefined {
  if (store.kind === 'memory') {
    return { reason: 'memory: ends with the process that has it; ask that server, by its /api', exitCode: 2 }
  }
  if (store.kind === 'sqlite' && !existsSync(store.path)) {
    return {
      reason: `there is no store at ${store.path}: a server makes it, or say where with --store-url`,
      exitCode: 1,
    }
  }
  return undefined
}
