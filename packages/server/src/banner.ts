import type { Logger } from 'pino'
import type { ResolvedConfig } from './config.js'
import type { OpenedStore } from './open-store.js'

/** Says what was started: lines for a person at a terminal, otherwise one line of the log. */
export function announce(
  log: Logger,
  config: ResolvedConfig,
  { place, durability }: OpenedStore,
  urls: string[],
): void {
  const { mode, reason } = config.operatorAccess
  const facts = { urls, store: place, durability, operatorAccess: mode, reason, configFile: config.configFile }
  if (!process.stdout.isTTY) {
    log.info(facts, 'listening')
    return
  }
  const lines = [
    `Hookonce listens on ${urls.join(' and ')}`,
    `  store       ${place} (durability: ${durability})`,
    `  operators   ${mode}: ${reason}`,
    ...(config.configFile === undefined ? [] : [`  config      ${config.configFile}`]),
    `  try         curl -X POST ${tryUrl(urls)}/webhook -H 'X-Idempotency-Key: test-key-123' -d '{"event": "test.event"}'`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function tryUrl(urls: string[]): string {
  return (urls[0] ?? '').replace(/\/\/(127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):/, '//localhost:')
}
