import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { storeCommandsHelp } from './commands/parse.js'
import { type GivenSettings, readSecretFile } from './environment.js'
import { didYouMean } from './nearest.js'
import { defaultOf, flagOf, SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './settings.js'
import { StartError } from './start-error.js'

export type Command =
  | { name: 'serve' | 'work'; given: GivenSettings; configFile: string | undefined }
  | { name: 'help' }
  | { name: 'version' }

const isSecret = (name: SettingName): boolean => (SETTINGS[name] as Setting).secret === true

export function parseCommandLine(args: string[]): Command {
  const flags = new Map<string, SettingName>()
  for (const name of SETTING_NAMES) {
    flags.set(flagOf(name), name)
    if (isSecret(name)) flags.set(`${flagOf(name)}-file`, name)
  }
  const options = {
    ...Object.fromEntries([...flags.keys()].map(flag => [flag, { type: 'string' as const }])),
    config: { type: 'string' as const },
    help: { type: 'boolean' as const, short: 'h' },
    version: { type: 'boolean' as const, short: 'v' },
  }
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })

  const given: GivenSettings = new Map()
  let configFile: string | undefined
  let command: Command['name'] = 'serve'
  for (const token of tokens) {
    if (token.kind === 'positional') {
      if (token.value !== 'serve' && token.value !== 'work') {
        throw new StartError(`unknown command ${token.value}; try hookonce --help`)
      }
      command = token.value
    } else if (token.kind === 'option') {
      if (token.name === 'help' || token.name === 'version') {
        command = token.name
        continue
      }
      const name = flags.get(token.name)
      if (name === undefined && token.name !== 'config') {
        const known = [...flags.keys(), 'config', 'help', 'version'].map(flag => `--${flag}`)
        throw new StartError(`${token.rawName} is not an option${didYouMean(token.rawName, known)}`)
      }
      // node:util takes "--port --host x" for a port called "--host"
      if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
        throw new StartError(`${token.rawName} needs a value`)
      }
      if (name === undefined) configFile = token.value
      else if (token.name.endsWith('-file')) {
        given.set(name, { value: readSecretFile(token.value, token.rawName), where: token.rawName })
      } else given.set(name, { value: token.value, where: token.rawName })
    }
  }
  return command === 'serve' || command === 'work' ? { name: command, given, configFile } : { name: command }
}

export function version(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

export function help(): string {
  const lines = [
    `hookonce ${version()}: a webhook receiver with idempotency keys`,
    '',
    'Usage: hookonce [serve] [options]   receive deliveries, and work on those that were accepted',
    '       hookonce work [options]      only work on them, beside servers that share the store',
    '',
    ...storeCommandsHelp(),
    '',
    'A setting is taken from its flag, else from the environment, else from the config file, else its default.',
    '',
  ]
  for (const name of SETTING_NAMES) {
    const { env, meaning, allowed } = SETTINGS[name] as Setting
    const file = isSecret(name) ? ` (or --${flagOf(name)}-file, ${env}_FILE)` : ''
    lines.push(
      `  --${flagOf(name)} (${env})${file}`,
      `      ${meaning}`,
      `      ${allowed}; default: ${defaultOf(name)}`,
    )
  }
  lines.push(
    '  --config FILE',
    '      config file; default: hookonce.config.{mjs,js,ts} in the working folder, if there is one',
    '  -h, --help',
    '  -v, --version',
  )
  return lines.join('\n')
}
