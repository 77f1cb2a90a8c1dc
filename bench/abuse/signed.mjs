/**
 * Signed deliveries at a rate, each counted from when it was due. Asked `{ url, perSecond, seconds }`, answers
 * `{ latencies, bad }`: milliseconds of those that were answered 200, and how many were answered otherwise.
 */
import { Agent, request } from 'node:http'
import { stripe } from 'hookonce/senders/stripe'
import { SECRET } from './abuse.config.mjs'

const sender = stripe({ secrets: [SECRET] })
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
let sent = 0

process.on('message', async job => process.send(await run(job)))

async function run({ url, perSecond, seconds }) {
  const latencies = []
  let bad = 0
  const all = []
  const startedAt = performance.now()
  const total = perSecond * seconds
  await new Promise(resolve => {
    const tick = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
      while (all.length < due) {
        const dueAt = startedAt + ((all.length + 1) / perSecond) * 1000
        all.push(
          deliver(url).then(
            status => (status === 200 ? latencies.push(performance.now() - dueAt) : bad++),
            () => bad++,
          ),
        )
      }
      if (all.length < total) return
      clearInterval(tick)
      resolve()
    }, 1)
  })
  await Promise.all(all)
  return { latencies, bad }
}

function deliver(url) {
  const body = JSON.stringify({ id: `evt_${process.pid}_${sent++}`, type: 'charge.succeeded' })
  const event = { method: 'POST', url, body: Buffer.from(body), id: '', now: Date.now() }
  const headers = { 'content-length': body.length, ...Object.fromEntries(sender.sign(event)) }
  return new Promise((resolve, reject) => {
    const req = request(url, { method: 'POST', agent, headers }, response => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    req.on('error', reject).end(body)
  })
}
