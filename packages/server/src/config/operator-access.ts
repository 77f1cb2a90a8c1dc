import { dirname, join } from 'node:path'
import { isLoopbackHost } from './loopback.js'
import { flagOf, SETTINGS, type Settings } from './settings.js'
import { StartError } from './start-error.js'
import type { StoreLocation } from './store-url.js'

/**
 * Who may use the operator routes; `reason` explains it to a person. `refused`: no process with these routes starts; store
 * commands do.
 */
export type OperatorAccess = (
  | { mode: 'token'; token: string }
  | { mode: 'token-file'; path: string }
  | { mode: 'local' | 'open' | 'closed' | 'refused' }
) & { reason: string }

export interface AccessInput {
  settings: Settings
  /** Where `operatorAccess` is set. */
  where: string
  store: StoreLocation
  sources: ReadonlyMap<
    string,
    { handle: { kind: string } | ((...given: never[]) => unknown); options: { sender?: unknown } }
  >
  /** The names of the config file's sources; `undefined`: there is no file. */
  ofFile: Iterable<string> | undefined
}

const TOKEN = SETTINGS.adminToken.env
const A_TOKEN = `${TOKEN} (openssl rand -hex 32)`

/** A token that is set is required. Without one only a server with nothing to protect is open. */
export function operatorAccess({ settings, where, store, sources, ofFile }: AccessInput): OperatorAccess {
  const { operatorAccess: asked, adminToken: token, host = '' } = settings
  if (token !== undefined) return { mode: 'token', token, reason: 'a token is set' }
  const work = workToProtect(sources, ofFile)
  if (asked === 'open') {
    if (work !== undefined) return refused(`${where} is open, and ${work}; set ${A_TOKEN}`)
    return { mode: 'open', reason: `${where} is open` }
  }
  const protect = work ?? (ofFile === undefined ? undefined : 'there is a config file')
  const loopback = isLoopbackHost(host)
  if (asked === 'local') {
    if (!loopback) {
      return refused(`${where}: local needs a loopback --${flagOf('host')}, and ${host} is not one; set ${A_TOKEN}`)
    }
    if (protect !== undefined) return refused(`${where}: local is for a trial, and ${protect}; set ${A_TOKEN}`)
  }
  if (asked !== 'token' && protect === undefined && loopback) {
    return { mode: 'local', reason: 'a trial: there is nothing to protect, and only loopback is listened on' }
  }
  const why = protect ?? (loopback ? `${where} is token` : `${host} is not loopback`)
  if (store.kind === 'sqlite') {
    const path = join(dirname(store.path), 'operator-token')
    return { mode: 'token-file', path, reason: `${why}, and no token is set: one is kept in ${path}` }
  }
  if (asked === 'token') return refused(`${where}: token needs ${A_TOKEN}: a store that is no file keeps none`)
  return { mode: 'closed', reason: `${why}, and no token is set; to open them set ${A_TOKEN}` }
}

const refused = (reason: string): OperatorAccess => ({ mode: 'refused', reason })

/** @throws {StartError} the mode is `refused` */
export function assertAllowed({ mode, reason }: OperatorAccess): void {
  if (mode === 'refused') throw new StartError(reason)
}

/** Why the operator routes must not be open; `undefined`: they would expose a trial only. */
function workToProtect(sources: AccessInput['sources'], ofFile: Iterable<string> | undefined): string | undefined {
  for (const [name, { handle, options }] of sources) {
    if (options.sender !== undefined) return `the source ${name} has a sender`
    if (typeof handle === 'object' && handle.kind === 'forward') return `the source ${name} forwards`
  }
  for (const name of ofFile ?? []) return `the config file has the source ${name}`
  return undefined
}
