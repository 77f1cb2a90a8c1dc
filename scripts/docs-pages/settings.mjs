/** The settings of the server, as its own table has them. */
import { defaultOf, flagOf, SETTING_NAMES, SETTINGS } from '../../packages/server/dist/config/settings.js'
import { table } from './table.mjs'

export function settingsTable() {
  const rows = SETTING_NAMES.map(name => {
    const { env, secret, allowed, values, meaning } = SETTINGS[name]
    const range = values && values.length < 10 ? values.map(code).join(', ') : allowed.replace(/^must be /, '')
    return [
      code(env) + (secret ? ' (`_FILE`)' : ''),
      code(`--${flagOf(name)}`),
      code(name),
      SETTINGS[name].default !== undefined ? code(defaultOf(name)) : defaultOf(name),
      `${meaning}. Allowed: ${name === 'sender' ? 'a name of [senders](senders.md)' : range}`,
    ]
  })
  return table(['environment', 'flag', 'config file', 'default', 'meaning'], rows)
}

const code = text => `\`${text}\``
