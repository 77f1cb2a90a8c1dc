/**
 * What would move the cursor, colour the terminal or turn the order of a line for whoever looks: C0, DEL, C1, and marks
 * of direction (https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters). Errors, keys and bodies come
 * from elsewhere.
 */
const AFTER_ASCII = '\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069'
const DANGEROUS = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${AFTER_ASCII}]`, 'g')
/** JSON escapes those below U+0020 itself. */
const UNESCAPED = new RegExp(`[${AFTER_ASCII}]`, 'g')

/** Text for a terminal; line breaks and tabs stay. */
export const harmless = (text: string): string => text.replace(DANGEROUS, '\ufffd')

/** The same JSON, without a character in it that a terminal would obey. */
export const harmlessJson = (json: string): string =>
  json.replace(UNESCAPED, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
