import type { Sender } from 'hookonce/senders'
import * as v from 'valibot'
import type { Handle } from './file.js'
import { KINDS } from './kinds.js'
import { SETTINGS, type SettingName, type Settings } from './settings.js'
import { StartError } from './start-error.js'

/** How a source's deliveries are handled, validated, in milliseconds. */
export type SourceHandle = Exclude<Handle, { kind: 'forward' }> | { kind: 'forward'; url: string; timeoutMs: number }

/** @throws {StartError} */
export function sourceHandle(
  source: string,
  handle: Handle | undefined,
  lockTtl: number,
  settings: Settings,
  where: (name: SettingName) => string,
): SourceHandle {
  if (handle === undefined && settings.forwardTo === undefined) return { kind: 'acknowledge' }
  if (handle !== undefined && (typeof handle === 'function' || handle.kind === 'acknowledge')) return handle

  const field = `sources.${source}.handle: forward()`
  const url = handle === undefined ? settings.forwardTo : handle.url
  if (!v.is(KINDS.forwardTo.schema, url)) {
    throw new StartError(`${field}: the URL ${KINDS.forwardTo.allowed}`)
  }
  const own = handle?.timeoutSeconds
  if (own !== undefined && !v.is(KINDS.forwardTimeoutSeconds.schema, own)) {
    throw new StartError(`${field}: timeoutSeconds ${KINDS.forwardTimeoutSeconds.allowed}`)
  }
  const timeout = own ?? settings.forwardTimeoutSeconds ?? Math.min(30, lockTtl)
  if (timeout > lockTtl) {
    const at = own === undefined ? where('forwardTimeoutSeconds') : `${field}: timeoutSeconds`
    throw new StartError(`${at} (${timeout}) must be at most the lock TTL (${lockTtl})`)
  }
  return { kind: 'forward', url: url!, timeoutMs: Math.round(timeout * 1000) }
}

/** @throws {StartError} there is no application to forward to, or the sender's handshake is answered here */
export function checkForwardedHandshakes(handle: SourceHandle, sender: Sender | undefined, where: string): void {
  if (typeof handle === 'function' || handle.kind !== 'forward') {
    throw new StartError(`${where} needs an application to ask: set ${SETTINGS.forwardTo.env} or handle: forward()`)
  }
  if (sender === undefined) return
  throw new StartError(
    `${where}: with a sender (${sender.facts.name}) handshakes are answered here; keep one of the two`,
  )
}
