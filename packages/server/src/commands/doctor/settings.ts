import { isLoopbackHost, type ResolvedConfig } from '../../config.js'
import { SETTINGS } from '../../settings.js'
import { type Finding, ok, warn } from './finding.js'

const GOOD_TOKEN_LENGTH = 20

/** Who gets in to the operator routes. */
export function exposure({ operatorAccess: access, host }: ResolvedConfig): Finding {
  const { adminToken } = SETTINGS
  switch (access.mode) {
    case 'token':
      return access.token.length >= GOOD_TOKEN_LENGTH
        ? ok('operators', 'with the token')
        : warn('operators', 'the token is short enough to be guessed', `openssl rand -hex 32, for ${adminToken.env}`)
    case 'open':
      return isLoopbackHost(host)
        ? ok('operators', 'open, and only loopback is listened on')
        : warn(
            'operators',
            `open to whoever reaches ${host} and says Host: localhost: records can be read and deleted`,
            `set ${adminToken.env}, or publish the port on loopback only`,
          )
    case 'local':
      return ok('operators', 'from this machine only')
    case 'closed':
      return ok('operators', `nobody: ${access.reason}`)
  }
}

export function secrets({ secretWarnings }: ResolvedConfig): Finding[] {
  return secretWarnings.length === 0
    ? [ok('secrets', 'none is short, shared or on the command line')]
    : secretWarnings.map(({ message, fix }) => warn('secrets', message, fix))
}

const DAY_MS = 86_400_000

/** Whether results are kept for as long as the sender of each source may deliver again. */
export function retentions({ sources }: ResolvedConfig): Finding[] {
  return [...sources].map(([name, { options }]) => {
    const { sender, retentionMs } = options
    const horizonMs = sender?.facts.retryHorizonMs ?? null
    const check = `retention of ${name}`
    // Said by nobody: the sender's own, which are as long as they must be.
    if (retentionMs === undefined) return ok(check, `as long as ${sender?.facts.title} delivers again`)
    const kept = duration(retentionMs)
    if (horizonMs === null) return ok(check, `${kept}; how long its sender delivers again is not known`)
    return retentionMs >= horizonMs
      ? ok(check, `${kept}, and ${sender?.facts.title} delivers again for ${duration(horizonMs)}`)
      : warn(
          check,
          `${kept}, but ${sender?.facts.title} may deliver again for ${duration(horizonMs)}: what comes later runs again`,
          `${SETTINGS.retentionSeconds.env}=${horizonMs / 1000}, or retentionSeconds of the source`,
        )
  })
}

function duration(ms: number): string {
  return ms >= DAY_MS ? `${Math.round((10 * ms) / DAY_MS) / 10} days` : `${Math.round(ms / 1000)} s`
}
