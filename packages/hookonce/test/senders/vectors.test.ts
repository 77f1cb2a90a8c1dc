import { generateKeyPairSync } from 'node:crypto'
import { Delivery } from 'hookonce'
import * as senders from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import vectors from './vectors.json' with { type: 'json' }

interface Vector {
  name: string
  /** Where it was published. */
  origin: string
  factory: string
  options: unknown
  /** Absent: the sender has no timestamp. */
  now?: number
  method?: string
  url?: string
  headers: Record<string, string>
  body: string
  /** What is wrong with it besides: a signature is looked at before all else. */
  refusal?: senders.Refusal
}

const deliveries = vectors.deliveries as Vector[]
const factories = new Map(Object.entries(senders) as unknown as [string, (options: unknown) => senders.Sender][])

function read({ factory, options, method = 'POST', url = '/', headers, body, now = 0 }: Vector) {
  const delivery = (bytes: Buffer) => new Delivery({ method, url, headers: Object.entries(headers), body: bytes })
  return { sender: factories.get(factory)!(options), delivery, body: Buffer.from(body), now }
}

describe('deliveries whose signature is published', () => {
  test.each(deliveries)('$name: accepted', vector => {
    const { sender, delivery, body, now } = read(vector)
    expect(sender.verify(delivery(body), now)).toBe(vector.refusal ?? null)
  })

  test.each(deliveries)('$name: refused with another body', vector => {
    const { sender, delivery, body, now } = read(vector)
    // HubSpot's GET has none, and covers it all the same.
    const other = body.length === 0 ? Buffer.from('x') : Buffer.from(body)
    other[other.length >> 1]! ^= 1
    expect(sender.verify(delivery(other), now)).toBe('signature_wrong')
  })

  test.each(deliveries)('$name: refused with another secret', vector => {
    const { sender, delivery, body, now } = read({ ...vector, options: otherSecret(vector.options as Secrets) })
    expect(sender.verify(delivery(body), now)).toBe('signature_wrong')
  })
})

interface Secrets {
  secrets?: string[]
  publicKeys?: string[]
}

/** Keys of other kinds than HMAC's are keys of their kind again. */
function otherSecret({ secrets, publicKeys, ...options }: Secrets) {
  if (secrets === undefined) return { ...options, publicKeys: publicKeys!.map(anyP256) }
  return {
    ...options,
    secrets: secrets.map(each => (/^wh(sec|pk)_/.test(each) ? each.replace(/_../, '_BB') : `another ${each}`)),
  }
}

const anyP256 = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ format: 'der', type: 'spki' })
    .toString('base64')

test.each(vectors.hmac)('HMAC-SHA256 of $name', ({ secret, content, signature }) => {
  const key = senders.hmacKey(secret, { algorithm: 'sha256', encoding: 'hex' })
  expect(key.sign([content])).toBe(signature)
  expect(key.over([content])(signature)).toBe(true)
  expect(key.over([`${content} `])(signature)).toBe(false)
})
