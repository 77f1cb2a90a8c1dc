import type { IncomingMessage } from 'node:http'
import type { Answer } from 'hookonce'
import { expiredCookie } from './cookie.js'
import { denied, noTokenToLogIn, SET_A_TOKEN } from './denials.js'
import type { Operators, OperatorsOptions } from './operators.js'
import { signOfOthers } from './origin.js'

/**
 * Access without a token for a trial on this machine, with nothing to protect. A proxy on the same machine hides the origin
 * of requests, but hardly of all: the first request that shows it closes the operator routes until a restart.
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

  observe(request: IncomingMessage): void {
    if (this.#over !== undefined) return
    const sign = signOfOthers(request)
    if (sign === undefined) return
    this.#over = sign
    this.#onOver(request, sign)
  }

  readonly refusal = (request: IncomingMessage): Answer | undefined => {
    this.observe(request)
    if (this.#over === undefined) return undefined
    return denied(`The trial is over since a request was not of this machine. The first: ${this.#over} ${SET_A_TOKEN}`)
  }

  isLoggedIn(request: IncomingMessage): boolean {
    return this.refusal(request) === undefined
  }

  login(request: IncomingMessage): { refused: Answer } {
    return { refused: this.refusal(request) ?? noTokenToLogIn() }
  }

  logout(request: IncomingMessage, path: string): string {
    return expiredCookie(request, path)
  }
}
