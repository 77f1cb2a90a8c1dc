import type { Logger } from 'pino'
import type { ResolvedConfig, ResolvedSource } from '../config/resolve.js'
import { withoutCredentials } from '../config/store-url.js'
import { version } from '../config/version.js'
import { terminalSafe } from '../observability/escape.js'
import { type Paint, stylesFor } from '../observability/styles.js'
import { ensureToken } from '../operator/auth/token-file.js'
import type { OpenedStore } from './open-store.js'

/** Reports the start: lines for people, or one line of the log. */
export function announce(log: Logger, config: ResolvedConfig, opened: OpenedStore, urls: string[]): void {
  if (config.logFormat === 'pretty') {
    const lines = banner(config, opened, urls, stylesFor(process.stdout))
    process.stdout.write(`${lines.join('\n')}\n\n`)
    return
  }
  const { operatorAccess: access, configFile } = config
  // More people read the log than the file: the log names the file, not the token.
  const operators = {
    operatorAccess: modeOf(access),
    reason: access.reason,
    ...(access.mode === 'token-file' && { operatorToken: access.path }),
  }
  const { place: store, durability } = opened
  log.info({ urls, store, durability, senders: sendersOf(config), ...operators, configFile }, 'listening')
}

function banner(config: ResolvedConfig, opened: OpenedStore, urls: string[], paint: Paint): string[] {
  const { operatorAccess: access, configFile, sources } = config
  const local = localUrl(urls)
  const row = (title: string, text: string) => `  ${paint('dim', title.padEnd(10))}  ${terminalSafe(text)}`
  const closed = access.mode === 'closed'
  // Of a stream that is no terminal others may keep a copy.
  const tokenPath = access.mode === 'token-file' && process.stdout.isTTY ? access.path : undefined
  return [
    `${paint('bold', `Hookonce ${version()}`)} listens on ${urls.join(' and ')}`,
    ...(closed ? [] : [row('dashboard', `${local}/dashboard`), row('docs', `${local}/docs`)]),
    ...(tokenPath === undefined ? [] : [row('log in', `${local}/dashboard#token=${ensureToken(tokenPath)}`)]),
    row('operators', `${modeOf(access)}: ${access.reason}`),
    ...sourceLines(sources).map((line, i) => row(i === 0 ? 'sources' : '', line)),
    row('store', `${opened.place} (durability: ${opened.durability})`),
    row('config', configFile ?? 'no config file; npx hookonce init writes one'),
    row('try', tryOut(`${local}/webhook`, sendersOf(config).default)),
  ]
}

/** Path, sender, mode and handler of each source, in columns. */
function sourceLines(sources: ResolvedConfig['sources']): string[] {
  const rows = [...sources].map(([name, source]) => [
    name === 'default' ? '/webhook' : `/hooks/${name}`,
    source.options.sender?.facts.name ?? 'any sender',
    source.inbox === undefined ? 'inline' : 'inbox',
    targetOf(source),
  ])
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(row => row[column]!.length)))
  return rows.map(row => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
}

function targetOf({ handle }: ResolvedSource): string {
  if (typeof handle === 'function') return 'a function of the config file'
  return handle.kind === 'forward' ? `→ ${withoutCredentials(handle.url)}` : 'acknowledged here'
}

const modeOf = ({ mode }: ResolvedConfig['operatorAccess']): string => (mode === 'token-file' ? 'token' : mode)

/** The sender of each source that has one. */
function sendersOf({ sources }: ResolvedConfig): Record<string, string> {
  const named = [...sources].flatMap(([source, { options }]) =>
    options.sender === undefined ? [] : [[source, options.sender.facts.name] as const],
  )
  return Object.fromEntries(named)
}

function tryOut(url: string, sender: string | undefined): string {
  return sender === undefined
    ? `npx hookonce send --url ${url} --times 2`
    : `HOOKONCE_SECRET=… npx hookonce send --sender ${sender} --url ${url} --times 2`
}

function localUrl(urls: string[]): string {
  return (urls[0] ?? '').replace(/\/\/(127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):/, '//localhost:')
}
