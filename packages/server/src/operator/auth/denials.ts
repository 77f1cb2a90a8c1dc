import type { Answer } from 'hookonce'
import { SETTINGS } from '../../config/settings.js'
import { serverProblem } from '../../http/problems.js'

const TOKEN = SETTINGS.adminToken.env

export const SET_A_TOKEN = `To get in from elsewhere, set ${TOKEN}.`

export function denied(detail: string): Answer {
  return serverProblem('operator_access_denied', { detail })
}

/** Anybody may see it: it does not name the path of the file. */
export function tokenRequired(): Answer {
  return serverProblem('operator_token_required', {
    detail: `Send "Authorization: Bearer <token>" with the token of ${TOKEN}, or of the file operator-token beside the store.`,
    headers: [['www-authenticate', 'Bearer realm="hookonce"']],
  })
}

export function tooManyTokens(waitMs: number): Answer {
  return serverProblem('operator_token_guessed', {
    detail: 'Too many wrong tokens came from this address. The right one is taken at any time.',
    headers: [['retry-after', String(Math.ceil(waitMs / 1000))]],
  })
}

export const noTokenToLogIn = (): Answer =>
  serverProblem('bad_request', { detail: `There is nothing to log in with: ${TOKEN} is not set.` })
