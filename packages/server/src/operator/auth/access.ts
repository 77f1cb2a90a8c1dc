import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import type { Logger } from 'pino'
import type { OperatorAccess } from '../../config/operator-access.js'
import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'
import { peerOf } from '../../http/peer.js'
import { expiredCookie } from './cookie.js'
import { denied, noTokenToLogIn, SET_A_TOKEN } from './denials.js'
import type { Operators, OperatorsOptions } from './operators.js'
import { foreignHost, foreignPage, throughProxy } from './origin.js'
import { ensureToken } from './token-file.js'
import { TokenHolders } from './token-holders.js'
import { Trial } from './trial.js'

/** @throws {StartError} the settings are refused, or the token file cannot be used */
export function createOperators(access: OperatorAccess, options: OperatorsOptions = {}): Operators {
  switch (access.mode) {
    case 'token':
      return new TokenHolders(access.token, options)
    case 'token-file':
      return new TokenHolders(ensureToken(access.path), options)
    case 'local':
      return new Trial(options)
    case 'open':
      return withoutLogin('open', foreignRequest)
    case 'refused':
      throw new StartError(access.reason)
    case 'closed':
      return withoutLogin('closed', () => denied(`Set ${SETTINGS.adminToken.env} and send it as a bearer token.`))
  }
}

/** Logs wrong tokens and the end of a trial. */
export const operatorLog = (log: Logger): OperatorsOptions => ({
  onWrongToken: request => log.warn({ peer: peerOf(request) }, 'wrong operator token'),
  onTrialOver: (request, reason) =>
    log.warn({ peer: peerOf(request), reason }, `operator routes are closed until a restart: ${SET_A_TOKEN}`),
})

/** Access without a token: the request must name this machine and must not come from a page of another site. */
function foreignRequest(request: IncomingMessage): Answer | undefined {
  const reason = throughProxy(request) ?? foreignHost(request) ?? foreignPage(request)
  return reason === undefined ? undefined : denied(`${reason} ${SET_A_TOKEN}`)
}

function withoutLogin(mode: 'open' | 'closed', refusal: Operators['refusal']): Operators {
  return {
    mode,
    observe: () => {},
    refusal,
    isLoggedIn: request => refusal(request) === undefined,
    login: request => ({ refused: refusal(request) ?? noTokenToLogIn() }),
    logout: expiredCookie,
  }
}
