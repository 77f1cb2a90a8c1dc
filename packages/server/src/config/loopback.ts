import { isIP } from 'node:net'

/** Whether a host name or an address is loopback. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && isIP(host) === 4)
}
