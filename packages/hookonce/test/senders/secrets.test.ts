import { ConfigurationError, createReceiver } from 'hookonce'
import { hashKey, hmacKey, SENDERS, type Sender, tokenKey } from 'hookonce/senders'
import { basic } from 'hookonce/senders/basic'
import { bearer } from 'hookonce/senders/bearer'
import { github } from 'hookonce/senders/github'
import { gitlab } from 'hookonce/senders/gitlab'
import { meta } from 'hookonce/senders/meta'
import { standardWebhooks } from 'hookonce/senders/standard-webhooks'
import { stripe } from 'hookonce/senders/stripe'
import { memoryStore } from 'hookonce/stores/memory'
import { describe, expect, test, vi } from 'vitest'
import { RECIPES } from './recipes.js'
import { signed } from './signed.js'

const LONG = 'a secret that is long enough'
// biome-ignore lint/suspicious/noTemplateCurlyInString: what a shell did not fill in
const UNFILLED = '${SECRET}'
const STAND_INS = [
  ...['', ' ', '\n', 's', ' s ', 'é', '🔑', 'undefined', 'null', 'NaN', '[object Object]', '[object Promise]'],
  ...['changeme', 'CHANGE-ME', 'change_me', 'replace me', 'your-secret-here', UNFILLED, '<secret>', '…', '...'],
  ...['whsec_undefined', 'whsec_…'],
]
const NOT_EVEN_TEXT = [undefined, null, 7, {}, ['a secret in a list']] as unknown as string[]

const NO_PAIRS = [...SENDERS].filter(([name]) => RECIPES[name]!.publicHalf === undefined)

describe.each(NO_PAIRS)('%s', (_, { create }) => {
  test.each(STAND_INS)('takes no stand-in for a secret: %j', secret => {
    const options = { publicUrl: 'https://hooks.example.com/x', verifyToken: 'a token' }
    expect(() => create({ ...options, secrets: [secret] })).toThrow(ConfigurationError)
  })
})

test.each([...STAND_INS, ...NOT_EVEN_TEXT])('%j is not accepted as a secret by any sender', secret => {
  expect(() => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex' })).toThrow(ConfigurationError)
  expect(() => hashKey(secret, { algorithm: 'sha256' })).toThrow(ConfigurationError)
  expect(() => tokenKey(secret)).toThrow(ConfigurationError)
  expect(() => meta({ secrets: [LONG], verifyToken: secret })).toThrow(ConfigurationError)
})

test.each(STAND_INS)('%j is no password', password => {
  expect(() => basic({ credentials: [`partner:${password}`] })).toThrow(ConfigurationError)
})

test('bytes are looked at as well', () => {
  const make = (secret: Uint8Array) => () => hmacKey(secret, { algorithm: 'sha256', encoding: 'hex' })
  for (const bytes of [Buffer.alloc(0), Buffer.of(7), Buffer.from('undefined')]) {
    expect(make(bytes)).toThrow(ConfigurationError)
  }
  expect(make(Buffer.alloc(32))).not.toThrow()
})

test('words of people are secrets, and so is what begins like a stand-in', () => {
  for (const secret of ['ab', 'word', 'token', 'whsec_x', 'null and void', 'undefinedly', 'top,secret phrase']) {
    expect(() => stripe({ secrets: [secret] }), secret).not.toThrow()
  }
})

test('a secret is taken with the version that some consoles show in front of it', () => {
  const shown = 'v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const sent = signed(standardWebhooks({ secrets: [shown.slice(3)] }))
  expect(standardWebhooks({ secrets: [shown] }).verify(sent, Date.now())).toBeNull()
  for (const none of [
    'v1,',
    'v1,MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    `v2,${shown.slice(3)}`,
    `v1,v1,${shown.slice(3)}`,
  ]) {
    expect(() => standardWebhooks({ secrets: [none] }), none).toThrow(ConfigurationError)
  }
})

describe('of a secret is known', () => {
  const traits = ({ secretTraits }: Sender) => secretTraits!

  test('whether it is short: of basic the password, of a decoded one its bytes', () => {
    const isShort = (sender: Sender) => traits(sender).map(({ short }) => short)
    expect(isShort(github({ secrets: ['x'.repeat(15), 'x'.repeat(16)] }))).toEqual([true, false])
    expect(isShort(basic({ credentials: [`a-partner-with-a-long-name:${'x'.repeat(15)}`] }))).toEqual([true])
    expect(isShort(standardWebhooks({ secrets: [`whsec_${Buffer.alloc(15).toString('base64')}`] }))).toEqual([true])
  })

  test('whether it is another’s, in this process, and nothing else', () => {
    const digests = [github({ secrets: [LONG] }), bearer({ tokens: [LONG] }), github({ secrets: [`${LONG}!`] })].map(
      sender => traits(sender)[0]!.digest,
    )
    expect([digests[1] === digests[0], digests[2] === digests[0]]).toEqual([true, false])
    expect(digests[0]).not.toContain(LONG)
  })
})

test('a short secret is warned of, once for a sender', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  try {
    const receiver = createReceiver({ store: memoryStore() })
    const sender = github({ secrets: ['hunter2', LONG] })
    for (const name of ['one', 'another']) receiver.source({ name, sender })
    receiver.source({ name: 'fine', sender: github({ secrets: [LONG] }) })
    expect(warned.mock.calls).toEqual([
      [expect.stringContaining('16 bytes'), { type: 'HookonceWarning', code: 'HOOKONCE_SHORT_SECRET' }],
    ])
    expect(String(warned.mock.calls[0]![0])).not.toContain('hunter2')
  } finally {
    warned.mockRestore()
  }
})

describe('a sender says in which headers its secret stands', () => {
  /** Of what it sends itself: its signature cannot be told from the secret, but for those that sign nothing. */
  const telling = (sender: Sender, secret: string) =>
    sender
      .sign({
        method: 'POST',
        url: 'https://hooks.example.com/x',
        body: Buffer.from('{}'),
        id: 'id-1',
        now: Date.now(),
      })
      .filter(([, value]) => value.includes(secret) || value.includes(Buffer.from(secret).toString('base64')))
      .map(([name]) => name)

  test.each([...SENDERS])('%s', (name, { create }) => {
    const secret = RECIPES[name]!.secret()
    const sender = create({ secrets: [secret], publicUrl: 'https://hooks.example.com/x', verifyToken: 'a token' })
    expect(sender.secretHeaders ?? []).toEqual(expect.arrayContaining(telling(sender, secret)))
  })

  test('gitlab with either token, for a webhook may have both', () => {
    const secret = 'a token that was typed in'
    const typedIn = gitlab({ secrets: [secret], scheme: 'secret-token' })
    expect(telling(typedIn, secret)).toEqual(['x-gitlab-token'])
    for (const sender of [typedIn, gitlab({ secrets: [RECIPES.gitlab!.secret()] })]) {
      expect(sender.secretHeaders).toEqual(['x-gitlab-token'])
    }
  })
})
