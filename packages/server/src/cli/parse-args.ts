import { parseArgs } from 'node:util'
import { didYouMean } from '../config/did-you-mean.js'
import { StartError } from '../config/start-error.js'

/** One part of a command line: an option with its value, or a positional word. */
export type Word = { option: string; raw: string; value: string } | { option: undefined; word: string }

export type OptionKinds = Record<string, { type: 'string' | 'boolean'; short?: string }>

/** In the given order. @throws {StartError} an option is unknown, or lacks its value */
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
    // node:util reads "--port --host x" as the port "--host"
    if (value === undefined || (!inlineValue && value.startsWith('--'))) throw new StartError(`${raw} needs a value`)
    return [{ option: name, raw, value }]
  })
}
