/**
 * What would move the cursor, colour the terminal or turn the order of a line for whoever looks: controls but tab and
 * line break, and marks of direction (https://www.unicode.org/reports/tr9/). Errors, keys and bodies come from elsewhere.
 */
const DANGEROUS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029](?<![\t\n])/gu

/** Text for a terminal. */
export const harmless = (text: string): string => text.replace(DANGEROUS, '\ufffd')

/** The same JSON, without a character in it that a terminal would obey. */
export const harmlessJson = (json: string): string =>
  json.replace(DANGEROUS, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
