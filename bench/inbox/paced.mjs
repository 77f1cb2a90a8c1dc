/**
 * An open load: deliveries at a rate, whether or not those before were answered. A latency counts from when the delivery
 * was due, so that waiting for one's turn here shows too. Asked `{ url, perSecond, seconds }`.
 */
import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'

const agent = new Agent({ keepAlive: true, maxSockets: 256 })
const body = JSON.stringify({ event: 'payment.received', data: { payment_id: 'pay_123', amount: 100.5 } })

process.on('message', async ({ url, perSecond, seconds }) => {
  const latencies = []
  let bad = 0
  const total = Math.floor(perSecond * seconds)
  const startedAt = performance.now()
  const all = []
  const deliver = async dueAt => {
    if ((await statusOf(url)) !== 200) bad++
    latencies.push(performance.now() - dueAt)
  }
  await new Promise(resolve => {
    const tick = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
      while (all.length < due) all.push(deliver(startedAt + (all.length / perSecond) * 1000))
      if (all.length < total) return
      clearInterval(tick)
      resolve()
    }, 1)
  })
  await Promise.all(all)
  process.send({ latencies, bad })
})

const statusOf = url =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-idempotency-key': randomUUID() }
    const sent = request(url, { method: 'POST', agent, headers }, response => {
      text(response).then(() => resolve(response.statusCode), reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
