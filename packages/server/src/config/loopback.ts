import { isIP } from 'node:net'

/** Whether a host name or an address is this machine's own. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && isIP(host) === 4)
}
