import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Git-ignored; may be deleted at any time between runs. */
export function cacheFolder(): string {
  const folder = fileURLToPath(new URL('../../.cache/test-tools', import.meta.url))
  mkdirSync(folder, { recursive: true })
  return folder
}
