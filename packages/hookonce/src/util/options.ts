import { ConfigurationError } from '../errors.js'

/** The allowed values of an option. `words`: for the error's message. */
export interface Rule {
  readonly words: string
  readonly allows: (value: unknown) => boolean
  /** Messages do not show the value. */
  readonly secret?: boolean
}

/** By option name. */
export type Rules = Readonly<Record<string, Rule>>

const ofType = (type: string, words: string): Rule => ({ words, allows: value => typeof value === type })

export const aNumber = ofType('number', 'a number')
export const aText = ofType('string', 'a text')
export const aFlag = ofType('boolean', 'true or false')
export const aFunction = ofType('function', 'a function')

export const anObject: Rule = {
  words: 'an object',
  allows: value => typeof value === 'object' && value !== null && !Array.isArray(value),
}

export const oneOf = (...values: readonly string[]): Rule => ({
  words: values.map(value => `'${value}'`).join(' or '),
  allows: value => values.includes(value as string),
})

export const either = (one: Rule, other: Rule): Rule => ({
  words: `${one.words} or ${other.words}`,
  allows: value => one.allows(value) || other.allows(value),
})

export const listOf = (words: string, of: Rule): Rule => ({
  words,
  allows: value => Array.isArray(value) && value.every(of.allows),
})

/** An object with these methods, of any class. */
export const methods = (words: string, names: readonly string[]): Rule => ({
  words,
  allows: value =>
    anObject.allows(value) && names.every(name => typeof Reflect.get(value as object, name) === 'function'),
})

/**
 * Checks options, for callers without TypeScript. An `undefined` value is a missing one.
 *
 * @param where the function that takes the options
 * @throws {ConfigurationError} naming the option and the allowed values
 */
export function checkOptions(where: string, options: unknown, rules: Rules, needed: readonly string[] = []): void {
  if (!anObject.allows(options)) {
    const example = needed.length > 0 ? ` with ${needed.join(', ')}` : ''
    throw new ConfigurationError(`${where} needs an object${example}, not ${shown(options)}`)
  }
  for (const [name, value] of Object.entries(options as object)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined)
      throw new ConfigurationError(`${where} has no option ${name}${hint(name, Object.keys(rules))}`)
    if (value === undefined || rule.allows(value)) continue
    throw new ConfigurationError(`${where}: ${name} must be ${rule.words}${rule.secret ? '' : `, not ${shown(value)}`}`)
  }
  for (const name of needed) {
    if (Reflect.get(options as object, name) !== undefined) continue
    throw new ConfigurationError(`${where}: ${name} is missing; it must be ${rules[name]!.words}`)
  }
}

const MAX_SHOWN = 40

/** An invalid value, for a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value)
  }
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return value instanceof Promise ? 'a promise' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** Suggests the known name that shares the most pairs of letters with an unknown one, or lists the known names. */
export function hint(name: string, known: readonly string[]): string {
  const pairs = pairsOf(name)
  const shared = known.map(other => [other, pairsOf(other).filter(pair => pairs.includes(pair)).length] as const)
  const [nearest] = shared.toSorted(([, one], [, other]) => other - one)
  if (nearest !== undefined && nearest[1] > pairs.length / 2) return `; did you mean ${nearest[0]}?`
  return known.length === 0 ? '' : `; there is ${known.join(', ')}`
}

const pairsOf = (name: string): string[] => Array.from(name.slice(1), (letter, at) => (name[at] + letter).toLowerCase())
