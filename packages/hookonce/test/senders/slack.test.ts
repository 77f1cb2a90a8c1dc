import { slack } from 'hookonce/senders'
import { expect, test } from 'vitest'
import { received, signed, withHeaders } from './signed.js'

const sender = slack({ secrets: ['8f742231b10e8888abcd99yyyzzz85a5'] })
const FORM = 'application/x-www-form-urlencoded'
const form = (fields: Record<string, string>, now?: number) =>
  signed(sender, { body: String(new URLSearchParams(fields)), contentType: FORM, ...(now && { now }) })
const challenge = signed(sender, { body: '{"type":"url_verification","challenge":"3eZbrw1aB"}' })

test('an event is named by event_id, a retry by the same', () => {
  const body = '{"event_id":"Ev1","type":"event_callback"}'
  const retry = withHeaders(signed(sender, { body, now: 1_600_000_060_000 }), { 'x-slack-retry-num': '1' })
  expect([signed(sender, { body }), retry].map(sender.key)).toEqual(['Ev1', 'Ev1'])
})

test('a slash command and an interaction are named by trigger_id', () => {
  const interaction = { payload: '{"type":"block_actions","trigger_id":"12.98.abcd"}' }
  expect([form({ command: '/x', trigger_id: '13.98.abcd' }), form(interaction)].map(sender.key)).toEqual([
    '13.98.abcd',
    '12.98.abcd',
  ])
})

test('what has no name is named by when it was sent, and what', () => {
  const suggestion = { payload: '{"type":"block_suggestion","value":"a"}' }
  const [first, again, later] = [1e12, 1e12, 1e12 + 1000].map(now => sender.key(form(suggestion, now)))
  expect([first === again, first === later]).toEqual([true, false])
  for (const payload of ['', '{', 'null', '[]', '{"trigger_id":1}'])
    expect(sender.key(form({ payload }))).toMatch(/^sha256:/)
})

test('a captured command does not run again as something that is no form', async () => {
  const sent = form({ command: '/x', trigger_id: '13.98.abcd' })
  const forged = ['application/json', 'text/plain', undefined].map(type => withHeaders(sent, { 'content-type': type }))
  expect(await received(sender, sent, ...forged)).toMatchObject({ statuses: [200, 200, 200, 200], runs: 1 })
})

test('the challenge is answered as text, without a run, if it is signed', async () => {
  const forged = withHeaders(challenge, { 'x-slack-signature': `v0=${'0'.repeat(64)}` })
  const { runs, answers } = await received(sender, challenge, forged)
  expect(answers[0]).toEqual({ status: 200, text: '3eZbrw1aB', type: 'text/plain; charset=utf-8' })
  expect([answers[1]!.status, answers[1]!.text.includes('3eZbrw1aB'), runs]).toEqual([401, false, 0])
})

test('the unsigned check of the certificate is answered 200 and runs nothing', async () => {
  const check = withHeaders(form({ ssl_check: '1', token: 'x' }), {
    'x-slack-signature': undefined,
    'x-slack-request-timestamp': undefined,
  })
  const { runs, answers } = await received(sender, check)
  expect([answers[0]!.status, answers[0]!.text, runs]).toEqual([200, '', 0])
})

test('what claims a signature is no such check', async () => {
  const signedOne = form({ ssl_check: '1', trigger_id: '1.2.3' })
  const forged = withHeaders(signedOne, { 'x-slack-signature': 'v0=0' })
  expect(await received(sender, forged, signedOne)).toMatchObject({ statuses: [401, 200], runs: 1 })
})
