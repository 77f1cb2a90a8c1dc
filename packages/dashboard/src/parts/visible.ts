/** Controls but tab and line break, and marks of direction: nobody sees them, and they change how the rest is seen. */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\u2028\u2029](?<![\t\n\r])|\r(?!\n)/gu

const DEL = 0x7f
/** Unicode has a picture for each of the first. */
const PICTURES = 0x2400

/** Somebody else's text, with what nobody would see in it made visible: `␛`, `⟨U+202E⟩`. */
export const visible = (text: string): string =>
  text.replace(UNSEEN, character => {
    const code = character.charCodeAt(0)
    if (code < 0x20) return String.fromCharCode(PICTURES + code)
    return code === DEL ? '␡' : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
