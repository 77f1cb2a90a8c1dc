/** Why a forwarded delivery failed; the label of a metric. */
export type ForwardFailure = (typeof FORWARD_FAILURES)[number]

export const FORWARD_FAILURES = [
  'status_3xx',
  'status_4xx',
  'status_5xx',
  'timeout',
  'dns',
  'connect',
  'tls',
  'broken',
] as const

interface Failed {
  kind: ForwardFailure
  /** What failed, and where; for the record and the log. */
  reason: string
}

interface SystemError extends NodeJS.ErrnoException {
  address?: string
  port?: number
  hostname?: string
  /** One for each address that was tried. */
  errors?: SystemError[]
}

/** For statuses other than 2xx. */
export function statusFailure(status: number): ForwardFailure {
  if (status < 400) return 'status_3xx'
  return status < 500 ? 'status_4xx' : 'status_5xx'
}

/** Classifies an error of a connection. */
export function failureOf(error: SystemError): Failed {
  const { code = error.name, errors = [], syscall } = error
  if (syscall === 'getaddrinfo') {
    return { kind: 'dns', reason: `${code} ${error.hostname ?? ''}`.trim() }
  }
  if (syscall === 'connect' || errors.length > 0) {
    const tried = errors.length > 0 ? errors : [error]
    return { kind: 'connect', reason: [...new Set(tried.map(connecting))].join(', ') }
  }
  if (isTls(code, error)) return { kind: 'tls', reason: `TLS: ${code}: ${firstLine(error)}` }
  return { kind: 'broken', reason: `${code}: ${firstLine(error)}` }
}

function connecting({ code, address, port, message }: SystemError): string {
  if (address === undefined) return `${code}: ${message}`
  return `${code} ${address.includes(':') ? `[${address}]` : address}:${port}`
}

const isTls = (code: string, { message }: Error): boolean =>
  /^(ERR_(TLS|SSL)_|ERR_OSSL|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERROR_IN_CERT|HOSTNAME_MISMATCH|INVALID_CA)/.test(
    code,
  ) || /SSL routines|before secure TLS/.test(message)

const firstLine = ({ message }: Error): string => message.split('\n', 1)[0]!
