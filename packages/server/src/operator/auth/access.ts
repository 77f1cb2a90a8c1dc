import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import type { Logger } from 'pino'
import type { OperatorAccess } from '../../config/operator-access.js'
import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'
import { expiredCookie } from './cookie.js'
import { denied, nothingToLogInWith, SET_A_TOKEN } from './denials.js'
import type { Operators, OperatorsOptions } from './operators.js'
import { foreignHost, foreignPage, peerOf, throughProxy } from './origin.js'
import { keptToken } from './token-file.js'
import { TokenHolders } from './token-holders.js'
import { Trial } from './trial.js'

/** @throws {StartError} the rule refuses, or the file with the token is not as it must be */
export function createOperators(access: OperatorAccess, options: OperatorsOptions = {}): Operators {
  switch (access.mode) {
    case 'token':
      return new TokenHolders(access.token, options)
    case 'token-file':
      return new TokenHolders(keptToken(access.path), options)
    case 'local':
      return new Trial(options)
    case 'open':
      return withoutLogin('open', notFromHere)
    case 'refused':
      throw new StartError(access.reason)
    case 'closed':
      return withoutLogin('closed', () => denied(`Set ${SETTINGS.adminToken.env} and send it as a bearer token.`))
  }
}

/** What operators' access has to tell, as lines of the log. */
export const loggedTo = (log: Logger): OperatorsOptions => ({
  onWrongToken: request => log.warn({ peer: peerOf(request) }, 'wrong operator token'),
  onTrialOver: (request, reason) =>
    log.warn({ peer: peerOf(request), reason }, `operator routes are closed until a restart: ${SET_A_TOKEN}`),
})

/** Who reached the port is not asked for more than that it names this machine and is led here by no other site. */
function notFromHere(request: IncomingMessage): Answer | undefined {
  const reason = throughProxy(request) ?? foreignHost(request) ?? foreignPage(request)
  return reason === undefined ? undefined : denied(`${reason} ${SET_A_TOKEN}`)
}

function withoutLogin(mode: 'open' | 'closed', refusal: Operators['refusal']): Operators {
  return {
    mode,
    see: () => {},
    refusal,
    isLoggedIn: request => refusal(request) === undefined,
    login: request => ({ refused: refusal(request) ?? nothingToLogInWith() }),
    logout: expiredCookie,
  }
}
