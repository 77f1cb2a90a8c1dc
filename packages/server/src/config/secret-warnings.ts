import { type Sender, SHORT_SECRET_BYTES, traitsOf } from 'hookonce/senders'
import type { GivenSettings } from './environment.js'
import { SETTINGS, type SettingName } from './settings.js'

/** A secret that is exposed, weak or shared. */
export interface SecretWarning {
  kind: 'short' | 'shared' | 'on the command line'
  message: string
  fix: string
}

export interface Secrets {
  given: GivenSettings
  sources: ReadonlyMap<string, { options: { sender?: Sender } }>
  adminToken: string | undefined
}

export function secretWarnings({ given, sources, adminToken }: Secrets): SecretWarning[] {
  return [...onCommandLine(given), ...short(sources), ...shared(sources, adminToken)]
}

function* onCommandLine(given: GivenSettings): Generator<SecretWarning> {
  for (const [name, { value, where, fromFile }] of given) {
    if (fromFile || !where.startsWith('--') || !containsSecret(name, String(value))) continue
    const { env } = SETTINGS[name]
    const file = 'secret' in SETTINGS[name] ? ` or ${env}_FILE` : ''
    yield onTheCommandLine(where, `${env}${file}`)
  }
}

export function onTheCommandLine(option: string, better: string): SecretWarning {
  return {
    kind: 'on the command line',
    message: `${option}: every user of this machine can read a secret on the command line (ps)`,
    fix: `set ${better}`,
  }
}

const URLS: readonly SettingName[] = ['storeUrl', 'postgresListenUrl', 'forwardTo']

/** Whether a value contains a secret: a URL does if it has a password. */
function containsSecret(name: SettingName, value: string): boolean {
  if (URLS.includes(name)) {
    const { password = '', search = '' } = URL.canParse(value) ? new URL(value) : {}
    return password !== '' || /[?&]password=/i.test(search)
  }
  return 'secret' in SETTINGS[name]
}

function* short(sources: Secrets['sources']): Generator<SecretWarning> {
  for (const [name, { options }] of sources) {
    if (!options.sender?.secretTraits?.some(traits => traits.short)) continue
    yield {
      kind: 'short',
      message: `a secret of the source ${name} has fewer than ${SHORT_SECRET_BYTES} bytes: it may be guessed`,
      fix: 'a generated one, e.g. by openssl rand -hex 32, there and at the sender',
    }
  }
}

function* shared(sources: Secrets['sources'], adminToken: string | undefined): Generator<SecretWarning> {
  const token = adminToken === undefined ? undefined : traitsOf(adminToken).digest
  const owners = new Map<string, string>()
  for (const [name, { options }] of sources) {
    for (const digest of new Set(options.sender?.secretTraits?.map(traits => traits.digest))) {
      const other = owners.get(digest)
      if (other === undefined) owners.set(digest, name)
      else {
        yield {
          kind: 'shared',
          message: `the sources ${other} and ${name} have one secret: a delivery to one can be sent to the other`,
          fix: 'a secret of its own for each',
        }
      }
      if (digest === token) {
        yield {
          kind: 'shared',
          message: `the operators' token is a secret of the source ${name} as well: its sender could be an operator`,
          fix: `another ${SETTINGS.adminToken.env}, e.g. by openssl rand -hex 32`,
        }
      }
    }
  }
}
