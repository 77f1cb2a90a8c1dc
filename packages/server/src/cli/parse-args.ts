import { parseArgs } from 'node:util'
import { didYouMean } from '../config/did-you-mean.js'
import { StartError } from '../config/start-error.js'

/** One word of a command line: an option as it was written, with its value if it takes one, or a word by itself. */
export type Word = { option: string; raw: string; value: string } | { option: undefined; word: string }

export type OptionKinds = Record<string, { type: 'string' | 'boolean'; short?: string }>

/** In the order given. @throws {StartError} an option that is not known, or without the value that it takes */
export function readOptions(args: string[], options: OptionKinds): Word[] {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  return tokens.flatMap((token): Word[] => {
    if (token.kind === 'positional') return [{ option: undefined, word: token.value }]
    if (token.kind !== 'option') return []
    const { name, rawName: raw, value, inlineValue } = token
    const type = Object.hasOwn(options, name) ? options[name]!.type : undefined
    if (type === undefined) {
      const known = Object.keys(options).map(option => `--${option}`)
      throw new StartError(`${raw} is not an option${didYouMean(raw, known)}`)
    }
    if (type === 'boolean') return [{ option: name, raw, value: '' }]
    // node:util takes "--port --host x" for a port called "--host"
    if (value === undefined || (!inlineValue && value.startsWith('--'))) throw new StartError(`${raw} needs a value`)
    return [{ option: name, raw, value }]
  })
}
