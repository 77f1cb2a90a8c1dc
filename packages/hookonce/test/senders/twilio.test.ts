import { createHash, createHmac } from 'node:crypto'
import { ConfigurationError, Delivery } from 'hookonce'
import { SENDERS, twilio } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { received, signed, URL_TOLD, withHeaders } from './signed.js'

const TOKEN = '12345'
const sender = twilio({ secrets: [TOKEN], url: URL_TOLD })
const FORM = 'application/x-www-form-urlencoded'
const TOKEN_HEADER = 'i-twilio-idempotency-token'

const form = (body: string, { id = 'id-1', query = '' } = {}) =>
  signed(sender, { id, body, url: URL_TOLD + query, contentType: FORM })
const withBody = ({ method, url, headers }: Delivery, body: string) =>
  new Delivery({ method, url, headers, body: Buffer.from(body) })
const verdict = (delivery: Delivery) => sender.verify(delivery, 0)

describe('the URL that is signed', () => {
  const signedAs = (url: string) => {
    const signature = createHmac('sha1', TOKEN).update(`${url}A1B2`).digest('base64')
    return withHeaders(form('A=1&B=2', { query: "?who=O'Neill&x=%3A" }), { 'x-twilio-signature': signature })
  }

  test.each([URL_TOLD, 'https://hooks.example.com:443/hooks/x'])(
    'is taken as %s, its query as sent, escaped, or escaped anew',
    told => {
      for (const query of ["?who=O'Neill&x=%3A", '?who=O%27Neill&x=%3A']) {
        for (const url of [URL_TOLD, 'https://hooks.example.com:443/hooks/x']) {
          expect(twilio({ secrets: [TOKEN], url: told }).verify(signedAs(url + query), 0), url + query).toBeNull()
        }
      }
    },
  )

  test.each([
    'http://hooks.example.com/hooks/x',
    'https://hooks.example.com:8443/hooks/x',
    'https://hooks.example.com/hooks/y',
    'https://hooks.example.com/hooks/x/',
    'https://HOOKS.example.com/hooks/x',
    'https://evil.example.com/hooks/x',
  ])('is not %s', url => {
    const forged = withHeaders(signedAs(`${url}?who=O'Neill&x=%3A`), { host: new URL(url).host })
    expect(verdict(forged)).toBe('signature_wrong')
  })

  test('another query is refused', () => {
    const sent = form('A=1', { query: '?a=1' })
    const { method, headers, body } = sent
    for (const query of ['', '?', '?a=2', '?a=1&a=1', '?a=1&b=']) {
      expect(verdict(new Delivery({ method, url: `/hooks/x${query}`, headers, body })), query).toBe('signature_wrong')
    }
  })

  test('must be known', () => {
    const { create } = SENDERS.get('twilio')!
    expect(() => create({ secrets: [TOKEN] })).toThrow(ConfigurationError)
    for (const url of ['', '/hooks/x', 'hooks.example.com', 'ftp://x/']) {
      expect(() => twilio({ secrets: [TOKEN], url }), url).toThrow(ConfigurationError)
    }
  })
})

describe('the body', () => {
  const json = '{"property": "value"}'
  const digest = createHash('sha256').update(json).digest('hex')
  const query = `?bodySHA256=${digest}`

  test('that is no form is covered by the digest in the URL', () => {
    const sent = signed(sender, { body: json, url: URL_TOLD + query })
    expect([verdict(sent), verdict(withBody(sent, '{}')), verdict(withBody(sent, ''))]).toEqual([
      null,
      'signature_wrong',
      'signature_wrong',
    ])
  })

  test('that nothing covers is refused, though the signature is right for none', () => {
    const empty = form('')
    expect(verdict(empty)).toBeNull()
    expect(verdict(withBody(empty, '&&&'))).toBe('signature_wrong')
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', undefined]) {
      const forged = withHeaders(withBody(empty, json), { 'content-type': type })
      expect(verdict(forged), type).toBe('signature_wrong')
    }
  })

  test('of more fields than Twilio sends is not put in order for a stranger', () => {
    const fields = (count: number) => form(Array.from({ length: count }, (_, at) => `n${at}=`).join('&'))
    expect([1_000, 1_001].map(count => verdict(fields(count)))).toEqual([null, 'signature_wrong'])
  })
})

describe('the key', () => {
  const key = (body: string, { id = 'id-1', query = '' } = {}) => sender.key(form(body, { id, query }))

  test('is a digest of the signed content, whatever the token', () => {
    const body = 'MessageSid=SM1&MessageStatus=sent'
    expect(key(body, { id: 'token-2' })).toBe(key(body))
    expect(key(body, { query: '?step=2' })).not.toBe(key(body))
    const others = ['MessageSid=SM1&MessageStatus=delivered', 'MessageSid=SM2&MessageStatus=sent', body].map(each =>
      key(each),
    )
    expect(new Set(others).size).toBe(3)
  })

  test('is the same whether a port was signed or not, and with the new secret as with the old', () => {
    const sent = form('A=1')
    const ported = createHmac('sha1', TOKEN).update('https://hooks.example.com:443/hooks/xA1').digest('base64')
    expect(sender.key(withHeaders(sent, { 'x-twilio-signature': ported }))).toBe(sender.key(sent))
    const fresh = twilio({ secrets: ['54321'], url: URL_TOLD })
    const both = twilio({ secrets: ['54321', TOKEN], url: URL_TOLD })
    const again = signed(fresh, { body: 'A=1', contentType: FORM })
    expect([both.key(again), both.key(sent)]).toEqual([fresh.key(again), sender.key(sent)])
    expect(both.key(again)).toBe(both.key(sent))
  })

  test('distinguishes the requests of one call, and the token is a label', () => {
    const turn = (digits: number) => `CallSid=CA1&CallStatus=in-progress&Digits=${digits}`
    expect(key(turn(1))).not.toBe(key(turn(2)))
    expect(sender.label!(form(turn(1), { id: 'token-1' }))).toBe('token-1')
    expect(sender.label!(withHeaders(form(turn(1)), { [TOKEN_HEADER]: undefined }))).toBeNull()
  })
})

test('captured content does not run under another token, however it is written', async () => {
  const sent = form('A=1&B=x+y&MessageSid=SM1&MessageStatus=sent', { query: '?q=1' })
  const { method, headers } = sent
  const moved = new Delivery({
    method,
    url: '/hooks/x?q=1A1',
    headers,
    body: Buffer.from('B=x+y&MessageSid=SM1&MessageStatus=sent'),
  })
  const same = [
    sent,
    withBody(sent, 'MessageStatus=sent&MessageSid=SM1&B=x%20y&A=1'),
    withBody(sent, 'A=1&A=1&B=x+y&MessageSid=SM1&MessageStatus=sent'),
    withBody(sent, 'A=1B&x=%20yMessageSidSM1MessageStatussent'),
    withBody(sent, 'A=1Bx+yMessageSidSM1MessageStatussent'),
    moved,
  ]
  const forged = same.map((each, at) => withHeaders(each, { [TOKEN_HEADER]: `another-${at}` }))
  const withoutToken = same.map(each => withHeaders(each, { [TOKEN_HEADER]: undefined }))
  const { runs, statuses } = await received(sender, sent, ...forged, ...withoutToken)
  // The scheme has no marks between the parts: all of these are signed.
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(runs).toBe(1)
})
