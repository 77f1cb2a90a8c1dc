interface Named {
  navigator?: { userAgent?: string }
}

/** Warns the developer. Cloudflare Workers print no warnings of a process, so there it goes to the console. */
export function warn(kind: string, message: string, detail?: string): void {
  const code = `HOOKONCE_${kind.toUpperCase()}`
  if ((globalThis as Named).navigator?.userAgent === 'Cloudflare-Workers') {
    console.warn(printable(`[${code}] HookonceWarning: ${message}\n${detail ?? ''}`.trimEnd()))
    return
  }
  const options = { type: 'HookonceWarning', code, ...(detail !== undefined && { detail: printable(detail) }) }
  process.emitWarning(printable(message), options)
}

/** Control characters, without tab and line feed: a terminal interprets them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are escaped
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/** A message may contain text of a sender. */
function printable(text: string): string {
  return text.replace(CONTROL, char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
