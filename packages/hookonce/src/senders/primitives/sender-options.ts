import { aText, checkOptions, either, listOf, type Rule, type Rules } from '../../util/options.js'
import type { SenderFacts } from '../sender.js'

const aSecret: Rule = either(aText, { words: 'bytes', allows: value => value instanceof Uint8Array })

/** A {@link KeyPlace}. */
export const aKeyPlace: Rule = {
  words: "{ header: 'name' } or { field: 'path.to.it' }",
  allows: value => {
    const [place, another] = Object.entries(value ?? {})
    return place !== undefined && another === undefined && /^(header|field)$/.test(place[0]) && aText.allows(place[1])
  },
}

/**
 * @param secrets the name of the option that has the secrets
 * @throws {ConfigurationError} an option is missing or invalid; the message shows no secret
 */
export function checkSender({ name }: SenderFacts, options: unknown, secrets: string, rules: Rules = {}): void {
  const list = { ...listOf('a list of texts; is an environment variable not set?', aSecret), secret: true }
  checkOptions(name, options, { ...rules, [secrets]: list }, [secrets])
}
