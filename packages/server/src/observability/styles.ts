import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export type Paint = (style: Style, text: string) => string

/** Colours where the stream is a terminal that has them; `NO_COLOR`, `FORCE_COLOR` and `TERM` are heeded. */
export function stylesFor(stream: NodeJS.WriteStream): Paint {
  return stream.isTTY && stream.hasColors() ? styleText : (_, text) => text
}
