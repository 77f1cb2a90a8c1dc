/**
 * Characters that control a terminal or reorder a line: controls except tab and line feed, and bidirectional marks
 * (https://www.unicode.org/reports/tr9/). Errors, keys and bodies may contain them.
 */
const DANGEROUS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029](?<![\t\n])/gu

/** Text that is safe to print on a terminal. */
export const terminalSafe = (text: string): string => text.replace(DANGEROUS, '\ufffd')

/** The same JSON with those characters escaped. */
export const terminalSafeJson = (json: string): string =>
  json.replace(DANGEROUS, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
