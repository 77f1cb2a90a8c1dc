import { parseArgs } from 'node:util'
import { didYouMean } from '../config/did-you-mean.js'
import { StartError } from '../config/start-error.js'

/** One part of a command line: an option with its value, or a positional word. */
export type Word = { option: string; raw: string; value: string } | { option: undefined; word: string }

export type OptionKinds = Record<string, { type: 'string' | 'boolean'; short?: string }>

/** A command's options: the word for the value, `null` for a flag, and what it means. */
export type OptionTexts = Readonly<Record<string, readonly [value: string | null, meaning: string]>>

export const kindsOf = (options: OptionTexts): OptionKinds => ({
  ...Object.fromEntries(
    Object.entries(options).map(([name, [value]]) => [name, { type: value === null ? 'boolean' : 'string' }]),
  ),
  help: { type: 'boolean', short: 'h' },
})

/** Two lines of help for each. */
export const optionLines = (options: OptionTexts): string[] =>
  Object.entries(options).flatMap(([name, [value, meaning]]) => [
    `  --${name}${value === null ? '' : ` ${value}`}`,
    `      ${meaning}`,
  ])

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
