import { createHash } from 'node:crypto'
import * as octokit from '@octokit/webhooks-methods'
import fc, { type Arbitrary } from 'fast-check'
import { Delivery } from 'hookonce'
import { github, type Sender, standardWebhooks, stripe, twilio } from 'hookonce/senders'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { getExpectedTwilioSignature, validateRequest, validateRequestWithBody } from 'twilio/lib/webhooks/webhooks.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

/** An event, with its sender and the same sender's own package. */
interface Case {
  ours: Sender
  url: string
  contentType: string
  body: string
  id: string
  sentAt: number
  receivedAt: number
  theirs: {
    sign(): Headers | Promise<Headers>
    /** Of this event, whatever it became since: the body, and what belongs to it. */
    accepts(headers: Headers, changed: Changed): boolean | Promise<boolean>
  }
  /** The same headers to other content, or other headers. */
  change(headers: Headers, at: number, by: string): Changed
}
type Headers = Record<string, string>
interface Changed {
  headers: Headers
  body: string
  url: string
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.json(), fc.constant('')) as Arbitrary<string>
const secret = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter(each => [...each.trim()].length > 1)
const id = fc.stringMatching(/^[\w-]{1,64}$/)
/** Seconds, and how long the delivery took by the two clocks, within the tolerance of both. */
const times = fc.record({ sent: fc.integer({ min: 1e9, max: 4e9 }), skew: fc.integer({ min: -299, max: 299 }) })

const msOf = ({ sent, skew }: { sent: number; skew: number }) => ({
  sentAt: sent * 1000,
  receivedAt: (sent + skew) * 1000,
})

const succeeds = (act: () => unknown): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

/** Another character somewhere in a text. */
const altered = (whole: string, at: number, by: string): string => {
  const where = at % whole.length
  return whole.slice(0, where) + (whole[where] === by ? `${by}${by}` : by) + whole.slice(where + 1)
}

/** Changes the body or one of the headers that are signed or sign. */
const alteredIn =
  (body: string, url: string, names: readonly string[]): Case['change'] =>
  (headers, at, by) => {
    const places = body === '' ? names : ['', ...names]
    const place = places[at % places.length]!
    return place === ''
      ? { headers, url, body: altered(body, at, by) }
      : { url, body, headers: { ...headers, [place]: altered(headers[place]!, at, by) } }
  }

const plain = { url: 'https://example.com/hooks', contentType: 'application/json' }

const ofStripe: Arbitrary<Case> = fc
  .record({ secret, id, body: text.filter(body => body !== ''), times })
  .map(({ secret, id, body, times }) => ({
    ...plain,
    ...msOf(times),
    ours: stripe({ secrets: [secret] }),
    body,
    id,
    theirs: {
      sign: () => ({
        'stripe-signature': Stripe.webhooks.generateTestHeaderString({
          payload: body,
          secret,
          timestamp: times.sent,
        }),
      }),
      accepts: (headers, changed) =>
        succeeds(() =>
          Stripe.webhooks.signature!.verifyHeader(
            changed.body,
            headers['stripe-signature']!,
            secret,
            300,
            undefined,
            msOf(times).receivedAt,
          ),
        ),
    },
    change: alteredIn(body, plain.url, ['stripe-signature']),
  }))

/** Their package knows no empty body. */
const ofGithub: Arbitrary<Case> = fc
  .record({ secret, id, body: text.filter(body => body !== ''), times })
  .map(({ secret, id, body, times }) => ({
    ...plain,
    ...msOf(times),
    ours: github({ secrets: [secret] }),
    body,
    id,
    theirs: {
      sign: async () => ({ 'x-hub-signature-256': await octokit.sign(secret, body) }),
      accepts: (headers, changed) => octokit.verify(secret, changed.body, headers['x-hub-signature-256']!),
    },
    change: alteredIn(body, plain.url, ['x-hub-signature-256']),
  }))

/** A blank is refused, whatever it is encoded in. */
const isNoBlank = (bytes: Uint8Array): boolean => Buffer.from(bytes).toString().trim() !== ''

const ofStandardWebhooks: Arbitrary<Case> = fc
  .record({ secret: fc.uint8Array({ minLength: 16, maxLength: 64 }).filter(isNoBlank), id, body: text, times })
  .map(({ secret: raw, id, body, times }) => {
    const secret = `whsec_${Buffer.from(raw).toString('base64')}`
    const webhook = new Webhook(secret)
    return {
      ...plain,
      ...msOf(times),
      ours: standardWebhooks({ secrets: [secret] }),
      body,
      id,
      theirs: {
        sign: () => ({
          'webhook-id': id,
          'webhook-timestamp': String(times.sent),
          'webhook-signature': webhook.sign(id, new Date(times.sent * 1000), body),
        }),
        accepts(headers, changed) {
          vi.setSystemTime(msOf(times).receivedAt)
          return succeeds(() => webhook.verify(changed.body, headers, { jsonParse: false }))
        },
      },
      change: alteredIn(body, plain.url, ['webhook-id', 'webhook-timestamp', 'webhook-signature']),
    }
  })

const params = fc.dictionary(
  fc.string({ unit: 'binary', maxLength: 12 }).filter(name => name !== '__proto__'),
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { minLength: 2, maxLength: 4 }),
  ),
  { minKeys: 1, maxKeys: 8 },
)
const query = fc.oneof(
  fc.constant(''),
  fc.webQueryParameters().map(each => `?${each}`),
  fc.constantFrom("?name=O'Neill", '?a=1&a=2&b', '?to=%2B1415&from=+1', '?q=%C3%A9é'),
)
const url = fc.record({
  scheme: fc.constantFrom('https', 'http'),
  port: fc.constantFrom('', ':443', ':80', ':8443'),
  query,
})
/** How the URL may be written that Twilio signs. */
const written: Arbitrary<(url: string) => string> = fc.constantFrom(
  url => url,
  url => url.replace(/^(https?:\/\/[^/:]+):\d+/, '$1'),
  url => url.replace(/^(https:\/\/[^/:]+)\//, '$1:443/').replace(/^(http:\/\/[^/:]+)\//, '$1:80/'),
  url => new URL(url).href,
)

const ofTwilioForms: Arbitrary<Case> = fc
  .record({ secret, id, params, url, written, times })
  .map(({ secret, id, params, url: { scheme, port, query }, written, times }) => {
    const told = `${scheme}://example.com${port}/hooks`
    const url = told + query
    const bodyOf = (fields: typeof params) =>
      String(
        new URLSearchParams(
          Object.entries(fields).flatMap(([name, value]) =>
            [value].flat().map((each): [string, string] => [name, each]),
          ),
        ),
      )
    const fieldsOf = (body: string) => {
      const form = new URLSearchParams(body)
      return Object.fromEntries([...new Set(form.keys())].map(name => [name, form.getAll(name)]))
    }
    return {
      ...msOf(times),
      ours: twilio({ secrets: [secret], url: told }),
      url,
      contentType: 'application/x-www-form-urlencoded; charset=UTF-8',
      body: bodyOf(params),
      id,
      theirs: {
        sign: () => ({ 'x-twilio-signature': getExpectedTwilioSignature(secret, written(url), params) }),
        accepts: (headers, changed) =>
          validateRequest(secret, headers['x-twilio-signature']!, changed.url, fieldsOf(changed.body)),
      },
      change(headers, at, by) {
        const names = Object.keys(params)
        const name = names[at % names.length]!
        const longer = [params[name]!].flat().map((value, index) => (index === 0 ? value + by : value))
        return [
          { headers, url, body: bodyOf({ ...params, [name]: longer }) },
          { headers, url: `${url}${query === '' ? '?' : '&'}${by}=1`, body: bodyOf(params) },
          {
            url,
            body: bodyOf(params),
            headers: { ...headers, 'x-twilio-signature': altered(headers['x-twilio-signature']!, at, by) },
          },
        ][at % 3]!
      },
    }
  })

const ofTwilioJson: Arbitrary<Case> = fc
  .record({ secret, id, body: text, written, times })
  .map(({ secret, id, body, written, times }) => {
    const told = 'https://example.com/hooks'
    const url = `${told}?a=1&bodySHA256=${createHash('sha256').update(body).digest('hex')}`
    return {
      ...msOf(times),
      ours: twilio({ secrets: [secret], url: told }),
      url,
      contentType: 'application/json',
      body,
      id,
      theirs: {
        sign: () => ({ 'x-twilio-signature': getExpectedTwilioSignature(secret, written(url), {}) }),
        accepts: (headers, changed) =>
          validateRequestWithBody(secret, headers['x-twilio-signature']!, changed.url, changed.body),
      },
      change: alteredIn(body, url, ['x-twilio-signature']),
    }
  })

const RUNS = { numRuns: 600 }

const deliveryOf = ({ contentType }: Case, { headers, body, url }: Changed) =>
  new Delivery({
    method: 'POST',
    url: url.replace(/^https?:\/\/[^/]+/, ''),
    headers: Object.entries({ ...headers, 'content-type': contentType }),
    body: Buffer.from(body),
  })

const ourHeaders = ({ ours, url, body, id, sentAt }: Case): Headers =>
  Object.fromEntries(ours.sign({ method: 'POST', url, body: Buffer.from(body), id, now: sentAt }))

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

describe.each([
  ['stripe', ofStripe],
  ['@octokit/webhooks-methods', ofGithub],
  ['standardwebhooks', ofStandardWebhooks],
  ['twilio, forms', ofTwilioForms],
  ['twilio, bodies with a digest', ofTwilioJson],
])('with the package %s', (_, cases) => {
  test('what it signs is accepted here', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async each => {
        const headers = await each.theirs.sign()
        expect(each.ours.verify(deliveryOf(each, { ...each, headers }), each.receivedAt)).toBeNull()
      }),
      RUNS,
    )
  })

  test('what is signed here it accepts', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async each => {
        const headers = ourHeaders(each)
        expect(await each.theirs.accepts(headers, { ...each, headers })).toBe(true)
      }),
      RUNS,
    )
  })

  test('what was altered on its way neither accepts', async () => {
    const by = fc.constantFrom(...'xyzAB019.')
    await fc.assert(
      fc.asyncProperty(cases, fc.nat(), by, async (each, at, by) => {
        const changed = each.change(await each.theirs.sign(), at, by)
        expect(await each.theirs.accepts(changed.headers, changed)).toBe(false)
        expect(each.ours.verify(deliveryOf(each, changed), each.receivedAt)).not.toBeNull()
      }),
      RUNS,
    )
  })
})
