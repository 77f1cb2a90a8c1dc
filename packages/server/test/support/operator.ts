import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Of servers that would be closed to their tests without. */
export const OPERATOR_TOKEN = 'the-token-of-all-tests'

/** By the origin of a server. */
const tokens = new Map<string, string>()

/** What only operators are let in to. */
const OPERATORS = /^\/(api|metrics|docs|openapi\.json|webhook\/(idempotency|events))(?![^/?])/

/** Settings of a server for tests of something else than who gets in: a token, if it would be closed without. */
export function openedForTests(settings: Record<string, unknown>, hasConfigFile: boolean): Record<string, string> {
  const said = Object.keys(settings).some(name => /^HOOKONCE_(ADMIN_TOKEN|OPERATOR_ACCESS)/.test(name))
  const protects = ['HOOKONCE_FORWARD_TO', 'HOOKONCE_SENDER'].some(name => name in settings)
  return !said && (hasConfigFile || protects) ? { HOOKONCE_ADMIN_TOKEN: OPERATOR_TOKEN } : {}
}

export const hasConfigFile = (folder: string): boolean =>
  ['mjs', 'js', 'ts'].some(extension => existsSync(join(folder, `hookonce.config.${extension}`)))

/** Requests of `send` to this server are its operator's, unless they say who they are. */
export function actAsOperator(url: string, opened: Record<string, string>): void {
  if (opened.HOOKONCE_ADMIN_TOKEN !== undefined) tokens.set(new URL(url).origin, opened.HOOKONCE_ADMIN_TOKEN)
}

/** The headers that a request to an operator route of a server for tests needs. */
export function asOperator(url: string): Record<string, string> {
  const { origin, pathname } = new URL(url)
  const token = OPERATORS.test(pathname) ? tokens.get(origin) : undefined
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** The cookie of a session with a server for tests; `undefined`: it needs none, or the test logs in itself. */
export async function operatorCookie(url: string): Promise<{ name: string; value: string } | undefined> {
  const { origin } = new URL(url)
  const token = tokens.get(origin)
  if (token === undefined) return undefined
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${origin}/api/session`, { method: 'POST', headers, body: JSON.stringify({ token }) })
  const [name = '', value = ''] = answer.headers.get('set-cookie')!.split(';', 1)[0]!.split('=')
  return { name, value }
}
