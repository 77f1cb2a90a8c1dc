import { generateKeyPairSync } from 'node:crypto'
import { Delivery } from 'hookonce'
import {
  discordEvents,
  github,
  gitlab,
  hubspot,
  meta,
  pagerduty,
  type Sender,
  sendgrid,
  shopify,
  slack,
  twitch,
} from 'hookonce/senders'
import { expect, test } from 'vitest'

const secrets = ['a secret of thirty-two characters']
const { publicKey } = generateKeyPairSync('ed25519')
const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
const spki = ec.export({ format: 'der', type: 'spki' }).toString('base64')

const typeOf = (sender: Sender, headers: Record<string, string>, body = '{}') =>
  sender.type!(new Delivery({ method: 'POST', url: '/', headers: Object.entries(headers), body: Buffer.from(body) }))

test.each<[string, Sender, Record<string, string>, string, string]>([
  ['github', github({ secrets }), { 'x-github-event': 'push' }, '{}', 'push'],
  ['shopify', shopify({ secrets }), { 'x-shopify-topic': 'orders/paid' }, '{}', 'orders/paid'],
  ['twitch', twitch({ secrets }), { 'twitch-eventsub-subscription-type': 'channel.follow' }, '{}', 'channel.follow'],
  ['gitlab', gitlab({ secrets, scheme: 'secret-token' }), { 'x-gitlab-event': 'Push Hook' }, '{}', 'Push Hook'],
  ['slack event', slack({ secrets }), {}, '{"type":"event_callback","event":{"type":"app_mention"}}', 'app_mention'],
  ['slack', slack({ secrets }), {}, '{"type":"app_rate_limited"}', 'app_rate_limited'],
  ['pagerduty', pagerduty({ secrets }), {}, '{"event":{"event_type":"incident.triggered"}}', 'incident.triggered'],
  ['discord-events', discordEvents({ publicKeys: [raw] }), {}, '{"type":1,"event":{"type":"QUEST"}}', 'QUEST'],
  ['hubspot', hubspot({ secrets, url: 'https://a.example/' }), {}, '[{"subscriptionType":"a.b"}]', 'a.b'],
  ['sendgrid', sendgrid({ publicKeys: [spki] }), {}, '[{"event":"open"}]', 'open'],
  ['meta', meta({ secrets, verifyToken: 'word' }), {}, '{"object":"page"}', 'page'],
])('the type of an event of %s', (_, sender, headers, body, type) => {
  expect(typeOf(sender, headers, body)).toBe(type)
  expect(typeOf(sender, {}, 'no JSON')).toBeNull()
  expect(typeOf(sender, {}, '[null]')).toBeNull()
})

test('a header that came twice tells no type', () => {
  const headers = [
    ['x-github-event', 'push'],
    ['x-github-event', 'ping'],
  ] as const
  const twice = new Delivery({ method: 'POST', url: '/', headers, body: Buffer.from('{}') })
  expect(github({ secrets }).type!(twice)).toBeNull()
})
