import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Settings } from '../config/settings.js'

export type LogKeys = NonNullable<Settings['logKeys']>

/** A key as a line of the log has it; `undefined`: the line has none. `null` is a delivery without a key. */
export type ShownKey = (key: string | null | undefined) => string | null | undefined

export function keysShown(log: Logger, setting: LogKeys): ShownKey {
  // At debug every delivery has a line, and what it is about is what matters.
  const shown = log.isLevelEnabled('debug') ? 'plain' : setting
  if (shown === 'none') return () => undefined
  if (shown === 'plain') return key => key
  return key => (key ? createHash('sha256').update(key).digest('hex').slice(0, 16) : key)
}
