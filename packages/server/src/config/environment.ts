import { readFileSync } from 'node:fs'
import { didYouMean } from './did-you-mean.js'
import { SETTING_NAMES, SETTINGS, type Setting, type SettingName } from './settings.js'
import { StartError } from './start-error.js'

/** A value and its origin, for messages. */
export interface Given {
  value: unknown
  /** E.g. `HOOKONCE_LEASE_SECONDS`, `--lease-seconds`, `leaseSeconds in hookonce.config.mjs`. */
  where: string
  /** Lines of a file, rather than a value. */
  fromFile?: boolean
}

export type GivenSettings = Map<SettingName, Given>

/**
 * What Kubernetes sets in every pod for a Service called `hookonce` or `hookonce-…`:
 * `X_SERVICE_HOST`, `X_SERVICE_PORT[_NAME]`, `X_PORT=tcp://…`, `X_PORT_8000_TCP[_PROTO|_PORT|_ADDR]`.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const INJECTED = /^HOOKONCE(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const INJECTED_URL = /^HOOKONCE(_\w+)?_PORT$/

export function readEnvironment(env: NodeJS.ProcessEnv): GivenSettings {
  const given: GivenSettings = new Map()
  const known = new Set<string>()
  for (const name of SETTING_NAMES) {
    const { env: variable, secret } = SETTINGS[name] as Setting
    known.add(variable)
    if (secret) known.add(`${variable}_FILE`)
    const value = present(env[variable])
    const said = secret ? readSecret(env, variable) : value === undefined ? undefined : { value, where: variable }
    if (said !== undefined) given.set(name, said)
  }
  for (const variable of Object.keys(env)) {
    if (variable.startsWith('HOOKONCE_') && !known.has(variable) && !isInjected(variable, env[variable] ?? '')) {
      throw new StartError(`${variable} in the environment is not a setting${didYouMean(variable, known)}`)
    }
  }
  return given
}

function isInjected(variable: string, value: string): boolean {
  return INJECTED.test(variable) || (INJECTED_URL.test(variable) && /^(tcp|udp|sctp):\/\//.test(value))
}

/** Compose files pass `${NAME:-}` on as an empty string: that is "not set". */
function present(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

/** A variable, or the content of the file that `…_FILE` names. */
export function readSecret(env: NodeJS.ProcessEnv, variable: string): (Given & { value: string }) | undefined {
  const fileVariable = `${variable}_FILE`
  const value = present(env[variable])
  const path = present(env[fileVariable])
  if (path === undefined) return value === undefined ? undefined : { value, where: variable }
  if (value !== undefined) throw new StartError(`${variable} and ${fileVariable} are both set; keep one`)
  return { value: readSecretFile(path, fileVariable), where: fileVariable, fromFile: true }
}

/** Editors and `echo` end a file with a newline that is not part of the secret. */
export function readSecretFile(path: string, where: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new StartError(`${where}: cannot read ${path} (${(error as NodeJS.ErrnoException).code})`)
  }
}
