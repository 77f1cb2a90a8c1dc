import { createInbox, createReceiver, type Delivery, type Source } from 'hookonce'
import { github, hmac, linear, type Sender, shopify, twilio } from 'hookonce/senders'
import { memoryStore } from 'hookonce/stores/memory'
import { describe, expect, test, vi } from 'vitest'
import { signed, URL_TOLD } from './signed.js'

const ROUNDS = 100
const AT = Date.now()
const secrets = ['a secret']

/** Senders that do not sign their event's name, and the event of a round as they send it. */
const SENDERS: [string, Sender, (sender: Sender, id: string, n: number) => Delivery][] = [
  ['GitHub', github({ secrets }), json],
  ['Shopify', shopify({ secrets }), json],
  ['Linear', linear({ secrets }), json],
  ['HMAC', hmac({ secrets }), json],
  ['HMAC with a timestamp', hmac({ secrets, timestamp: { header: 'x-time' } }), json],
  ['Twilio', twilio({ secrets, url: URL_TOLD }), form],
]

function json(sender: Sender, id: string, n: number): Delivery {
  return signed(sender, { id, body: JSON.stringify({ n, webhookTimestamp: AT }) })
}

function form(sender: Sender, id: string, n: number): Delivery {
  return signed(sender, { id, body: `n=${n}`, contentType: 'application/x-www-form-urlencoded' })
}

const CAPTURED = -1
const numberIn = (delivery: Delivery) => Number(/n"?[:=](-?\d+)/.exec(delivery.text())![1])

/** Of each round the genuine delivery and, at the same time, what was captured before under the name of the genuine one. */
async function race(
  source: Source,
  sender: Sender,
  send: (typeof SENDERS)[number][2],
  handler: (n: number) => Promise<void>,
) {
  const receive = (delivery: Delivery) =>
    source.receive(delivery, async each => {
      await handler(numberIn(each))
      return { status: 200, headers: [], body: each.body }
    })
  const statuses = [(await receive(send(sender, 'id--1', CAPTURED))).status]
  for (let n = 0; n < ROUNDS; n++) {
    const pair = [send(sender, `id-${n}`, CAPTURED), send(sender, `id-${n}`, n)]
    const answers = await Promise.all((n % 2 === 0 ? pair : pair.reverse()).map(receive))
    statuses.push(...answers.map(({ status }) => status))
  }
  return statuses
}

const genuine = Array.from({ length: ROUNDS }, (_, n) => n)

describe.each(SENDERS)('%s: what was captured, under the name of the next delivery', (_, sender, send) => {
  test('makes none disappear, and does not run again', async () => {
    const store = memoryStore()
    const ran: number[] = []
    const source = createReceiver({ store }).source({ name: 'x', sender })
    const statuses = await race(source, sender, send, async n => {
      await new Promise(setImmediate)
      ran.push(n)
    })
    expect(ran.sort((one, other) => one - other)).toEqual([CAPTURED, ...genuine])
    expect(new Set(statuses)).toEqual(new Set([200]))
    await store.close()
  })

  test('makes none disappear from an inbox, and does not run again', async () => {
    const store = memoryStore()
    const ran: number[] = []
    const receiver = createReceiver({ store })
    const handler = async (delivery: Delivery) => void ran.push(numberIn(delivery))
    const inbox = createInbox({ receiver, handlers: { x: { sender, handler } } })
    inbox.start()
    await race(inbox.source('x'), sender, send, async () => {})
    const isSettled = async () => {
      const { records } = await receiver.records({ limit: 1_000 })
      return records.every(({ state }) => state === 'completed')
    }
    await vi.waitUntil(isSettled, { timeout: 10_000 })
    await inbox.stop()
    expect(ran.sort((one, other) => one - other)).toEqual([CAPTURED, ...genuine])
    await store.close()
  })
})
