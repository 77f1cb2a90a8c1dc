import { traitsOf } from 'hookonce/senders'
import * as v from 'valibot'

/** The type of a setting: its schema, which also reads strings, and the same in words. */
export interface Kind<T> {
  schema: v.GenericSchema<unknown, T>
  allowed: string
  /** Every possible value, of an enumeration. */
  values?: readonly string[]
}

const DECIMAL = /^-?(\d+\.?\d*|\.\d+)$/

export function number(min: number, max: number, type: 'whole number' | 'number' = 'number'): Kind<number> {
  const read = (value: unknown) => (typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value) : value)
  const range = v.pipe(v.unknown(), v.transform(read), v.number(), v.minValue(min), v.maxValue(max))
  return {
    schema: type === 'number' ? range : v.pipe(range, v.integer()),
    allowed: `must be a ${type} from ${min} to ${max}`,
  }
}

export function oneOf<const T extends string>(...values: T[]): Kind<T> {
  return { schema: v.picklist(values), allowed: `must be one of: ${values.join(', ')}`, values }
}

export function text(allowed: string, test: (value: string) => boolean): Kind<string> {
  return { schema: v.pipe(v.string(), v.check(test)), allowed }
}

export const YES_OR_NO: Kind<boolean> = {
  schema: v.pipe(
    v.unknown(),
    v.transform(value => (value === 'true' ? true : value === 'false' ? false : value)),
    v.boolean(),
  ),
  allowed: 'must be true or false',
}

export function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, hash, username, password, pathname, search } = new URL(value)
  // If a password contains an unencoded @ or /, the rest of it is read as host and path.
  const isMisread = username + password !== '' && /@/.test(pathname + search)
  return /^https?:$/.test(protocol) && hash === '' && !isMisread && isDecodable(username + password)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** Not a placeholder like `changeme`. */
export function isSecret(value: string): boolean {
  try {
    traitsOf(value)
    return true
  } catch {
    return false
  }
}

/** Kinds of settings that are also fields of a source. */
export const KINDS = {
  retentionSeconds: number(0.1, 315_360_000),
  lockTtlSeconds: number(0.1, 86_400),
  leaseSeconds: number(0.1, 86_400),
  waitSeconds: number(0, 3600),
  maxBodyBytes: number(1, 1_073_741_824, 'whole number'),
  maxResponseBytes: number(0, 1_073_741_824, 'whole number'),
  maxRecords: number(0, Number.MAX_SAFE_INTEGER, 'whole number'),
  maxStoredBytes: number(0, Number.MAX_SAFE_INTEGER, 'whole number'),
  forwardTo: text(
    'must be an http:// or https:// URL without a fragment, user and password percent-encoded',
    isHttpUrl,
  ),
  forwardTimeoutSeconds: number(0.01, 86_400),
  fingerprint: oneOf('body', 'none'),
  mode: oneOf('inline', 'inbox'),
  recordDelivery: oneOf('failed', 'all', 'none'),
  concurrency: number(1, 10_000, 'whole number'),
  ratePerSecond: number(0.001, 1_000_000),
  forwardHandshakes: YES_OR_NO,
}
