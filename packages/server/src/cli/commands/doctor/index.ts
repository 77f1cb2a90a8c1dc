import type { ResolvedConfig } from '../../../config/resolve.js'
import { placeOf } from '../../../config/store-url.js'
import { createLogger } from '../../../observability/log.js'
import { openStore } from '../../../runtime/open-store.js'
import { serverUrl } from '../../server-url.js'
import { missingStore } from '../command-store.js'
import type { StoreCommand } from '../parse.js'
import { print, printJson } from '../print.js'
import { type Finding, fail, ok, warn } from './finding.js'
import { postgresFindings } from './postgres.js'
import { redisFindings } from './redis.js'
import { serverFindings } from './server.js'
import { exposure, retentions, secrets } from './settings.js'
import { sqliteFindings } from './sqlite.js'

/** Runs all checks. Returns 1 if one is not ok. @throws {StartError} `--url` is none */
export async function runDoctor(config: ResolvedConfig, { options }: StoreCommand): Promise<0 | 1> {
  const given = options.get('url')
  const url = given === undefined ? undefined : serverUrl('--url', given)
  const findings = [...(await storeFindings(config)), exposure(config), ...secrets(config), ...retentions(config)]
  if (url !== undefined) findings.push(...(await serverFindings(url, process.env)))
  if (options.has('json')) printJson(findings)
  else
    for (const { status, check, message, fix } of findings) {
      print(`${status.padEnd(5)} ${check}: ${message}`)
      if (fix !== undefined) print(`      → ${fix}`)
    }
  return findings.every(({ status }) => status === 'ok') ? 0 : 1
}

async function storeFindings(config: ResolvedConfig): Promise<Finding[]> {
  if (config.store.kind === 'memory') {
    return [warn('store', 'memory: records end with the process: duplicates run again', 'set HOOKONCE_STORE_URL')]
  }
  const nothing = missingStore(config)
  if (nothing !== undefined) return [warn('store', nothing.reason, 'start the server once')]
  return [await reachable(config), ...(await settingsOf(config))]
}

/** Opens the store as a server does at its start. */
async function reachable(config: ResolvedConfig): Promise<Finding> {
  try {
    const { store } = await openStore(config.store, config.storeOptions, createLogger('silent', 'json'))
    await store.close()
    return ok('store', `${placeOf(config.store)} works`)
  } catch (error) {
    return fail('store', (error as Error).message, 'start it, or correct --store-url')
  }
}

async function settingsOf({ store, storeOptions }: ResolvedConfig): Promise<Finding[]> {
  try {
    switch (store.kind) {
      case 'memory':
        return []
      case 'sqlite':
        return sqliteFindings(store.path)
      case 'redis':
        return await redisFindings(store.address)
      case 'postgres':
        return await postgresFindings(store.url, storeOptions.postgresPoolSize)
    }
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0]
    return [fail('settings of the store', `they cannot be read: ${reason}`, 'see above')]
  }
}
