import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Settings } from '../config/settings.js'

export type LogKeys = NonNullable<Settings['logKeys']>

/** A key as the log shows it; `undefined`: not at all. `null`: the delivery has no key. */
export type FormatKey = (key: string | null | undefined) => string | null | undefined

export function keyFormatter(log: Logger, setting: LogKeys): FormatKey {
  // At debug every delivery is logged, to be found by its key.
  const shown = log.isLevelEnabled('debug') ? 'plain' : setting
  if (shown === 'none') return () => undefined
  if (shown === 'plain') return key => key
  return key => (key ? createHash('sha256').update(key).digest('hex').slice(0, 16) : key)
}
