import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import { expiredCookie } from './cookie.js'
import { denied, nothingToLogInWith, SET_A_TOKEN } from './denials.js'
import type { Operators, OperatorsOptions } from './operators.js'
import { signOfOthers } from './origin.js'

/**
 * A server with nothing to protect, for whoever tries it on this machine. A proxy on the same machine may hide where
 * requests come from, but hardly from all of them: the first that shows it closes the operator routes for good.
 */
export class Trial implements Operators {
  readonly #onOver: NonNullable<OperatorsOptions['onTrialOver']>
  #over: string | undefined

  constructor({ onTrialOver = () => {} }: OperatorsOptions) {
    this.#onOver = onTrialOver
  }

  get mode(): 'local' | 'closed' {
    return this.#over === undefined ? 'local' : 'closed'
  }

  see(request: IncomingMessage): void {
    if (this.#over !== undefined) return
    const sign = signOfOthers(request)
    if (sign === undefined) return
    this.#over = sign
    this.#onOver(request, sign)
  }

  readonly refusal = (request: IncomingMessage): Answer | undefined => {
    this.see(request)
    if (this.#over === undefined) return undefined
    return denied(`The trial is over since a request was not of this machine. The first: ${this.#over} ${SET_A_TOKEN}`)
  }

  isLoggedIn(request: IncomingMessage): boolean {
    return this.refusal(request) === undefined
  }

  login(request: IncomingMessage, _token: string): { refused: Answer } {
    return { refused: this.refusal(request) ?? nothingToLogInWith() }
  }

  logout(request: IncomingMessage): string {
    return expiredCookie(request)
  }
}
