import type { Logger } from 'pino'
import type { ResolvedConfig } from '../config/resolve.js'
import { ensureToken } from '../operator/auth/token-file.js'
import type { OpenedStore } from './open-store.js'

/** Reports the start: lines at a terminal, otherwise one line of the log. */
export function announce(
  log: Logger,
  config: ResolvedConfig,
  { place, durability }: OpenedStore,
  urls: string[],
): void {
  const { operatorAccess: access, configFile } = config
  const { reason } = access
  const mode = access.mode === 'token-file' ? 'token' : access.mode
  const senders = sendersOf(config)
  // More people read the log than the file: the log names the file, not the token.
  const operators = {
    operatorAccess: mode,
    reason,
    ...(access.mode === 'token-file' && { operatorToken: access.path }),
  }
  const facts = { urls, store: place, durability, senders, ...operators, configFile }
  if (!process.stdout.isTTY) {
    log.info(facts, 'listening')
    return
  }
  const lines = [
    `Hookonce listens on ${urls.join(' and ')}`,
    `  store       ${place} (durability: ${durability})`,
    ...Object.entries(senders).map(([source, sender]) => `  sender      ${sender} of ${source}`),
    `  operators   ${mode}: ${reason}`,
    ...(access.mode === 'token-file'
      ? [`  log in      ${tryUrl(urls)}/dashboard#token=${ensureToken(access.path)}`]
      : []),
    ...(configFile === undefined ? [] : [`  config      ${configFile}`]),
    `  try         ${tryOut(`${tryUrl(urls)}/webhook`, senders.default)}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** The sender of each source that has one. */
function sendersOf({ sources }: ResolvedConfig): Record<string, string> {
  const named = [...sources].flatMap(([source, { options }]) =>
    options.sender === undefined ? [] : [[source, options.sender.facts.name] as const],
  )
  return Object.fromEntries(named)
}

function tryOut(url: string, sender: string | undefined): string {
  return sender === undefined
    ? `curl -X POST ${url} -H 'X-Idempotency-Key: test-key-123' -d '{"event": "test.event"}'`
    : `hookonce send --sender ${sender} --secret … --url ${url}`
}

function tryUrl(urls: string[]): string {
  return (urls[0] ?? '').replace(/\/\/(127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):/, '//localhost:')
}
