import { isLoopbackHost } from '../../../config/loopback.js'
import type { ResolvedConfig } from '../../../config/resolve.js'
import { SETTINGS } from '../../../config/settings.js'
import { readToken } from '../../../operator/auth/token-file.js'
import { type Finding, fail, ok, warn } from './finding.js'
import { shortDuration } from './short-duration.js'

const GOOD_TOKEN_LENGTH = 20

/** Access to the operator routes. */
export function exposure({ operatorAccess: access, host }: ResolvedConfig): Finding {
  const { adminToken } = SETTINGS
  switch (access.mode) {
    case 'token':
      return access.token.length >= GOOD_TOKEN_LENGTH
        ? ok('operators', 'token required')
        : warn('operators', 'the token is short and may be guessed', `openssl rand -hex 32, for ${adminToken.env}`)
    case 'open':
      return isLoopbackHost(host)
        ? ok('operators', 'open, and only loopback is listened on')
        : warn(
            'operators',
            `open to every client that reaches ${host} and sends Host: localhost: it can read and delete records`,
            `set ${adminToken.env}, or publish the port on loopback only`,
          )
    case 'token-file':
      return tokenFile(access.path)
    case 'local':
      return ok('operators', 'a trial: from this machine only, until a request shows a proxy or comes from elsewhere')
    case 'closed':
      return ok('operators', `closed: ${access.reason}`)
    case 'refused':
      return fail('operators', 'no server starts with these settings', access.reason)
  }
}

function tokenFile(path: string): Finding {
  try {
    return readToken(path) === undefined
      ? ok('operators', `token required: the next start creates it in ${path}`)
      : ok('operators', `token required: the one in ${path} (mode 600)`)
  } catch (error) {
    return fail('operators', `the token cannot be used: ${(error as Error).message}`, 'repair the file, or delete it')
  }
}

export function secrets({ secretWarnings }: ResolvedConfig): Finding[] {
  return secretWarnings.length === 0
    ? [ok('secrets', 'none is short, shared or on the command line')]
    : secretWarnings.map(({ message, fix }) => warn('secrets', message, fix))
}

/** Whether results are kept for as long as each sender may deliver again. */
export function retentions({ sources }: ResolvedConfig): Finding[] {
  return [...sources].map(([name, { options }]) => {
    const { sender, retentionMs } = options
    const horizonMs = sender?.facts.retryHorizonMs ?? null
    const check = `retention of ${name}`
    // Not set: the sender's own retention, which is long enough.
    if (retentionMs === undefined) return ok(check, `as long as ${sender?.facts.title} retries`)
    const kept = shortDuration(retentionMs)
    if (horizonMs === null) return ok(check, `${kept}; it is not known how long its sender retries`)
    return retentionMs >= horizonMs
      ? ok(check, `${kept}, and ${sender?.facts.title} retries for ${shortDuration(horizonMs)}`)
      : warn(
          check,
          `${kept}, but ${sender?.facts.title} may retry for ${shortDuration(horizonMs)}: later retries run again`,
          `${SETTINGS.retentionSeconds.env}=${horizonMs / 1000}, or retentionSeconds of the source`,
        )
  })
}
