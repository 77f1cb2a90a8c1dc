/**
 * An open load: deliveries at a rate, whether or not those before were answered, over plain sockets so that it costs as
 * little of the machine as it can. A latency counts from when the delivery was due: waiting for a free socket shows too.
 * Asked `{ url, perSecond, keys | seconds, connections }`, answers `{ latencies, executed }`: milliseconds by status, which
 * is `cached` of a replay, and the keys that were answered 200 and not from a record.
 */
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'

const BODY = JSON.stringify({ event: 'payment.received', data: { payment_id: 'pay_123', amount: 100.5 } })

process.on('message', async job => process.send(await run(job)))

async function run({ url, perSecond, seconds, keys: given, connections = 128 }) {
  const { hostname, port, pathname } = new URL(url)
  const head = `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n`
  const latencies = {}
  const executed = []
  const idle = []
  const waiting = []
  let answered = 0
  let done
  let abort
  const finished = new Promise((resolve, reject) => {
    done = resolve
    abort = reject
  })
  const keys = given ?? Array.from({ length: Math.floor(perSecond * seconds) }, randomUUID)
  const total = keys.length
  let sent = 0

  const send = (socket, dueAt) => {
    socket.dueAt = dueAt
    socket.key = keys[sent++]
    socket.write(`${head}x-idempotency-key: ${socket.key}\r\n\r\n${BODY}`)
  }
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true })
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      // An acknowledgement is small: it comes in one piece.
      socket.on('data', chunk => {
        const text = chunk.latin1Slice()
        const status = /^x-cached: true/im.test(text) ? 'cached' : text.slice(9, 12)
        latencies[status] ??= []
        latencies[status].push(performance.now() - socket.dueAt)
        if (status === '200') executed.push(socket.key)
        if (++answered === total) done()
        const next = waiting.shift()
        if (next === undefined) idle.push(socket)
        else send(socket, next)
      })
      socket.on('close', () => abort(new Error(`${url} closed a connection`)))
      idle.push(socket)
      return socket
    }),
  )
  const startedAt = performance.now()
  let asked = 0
  const tick = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
    for (; asked < due; asked++) {
      const dueAt = startedAt + (asked / perSecond) * 1000
      // In turn, for the server closes what is idle for long.
      const socket = idle.shift()
      if (socket === undefined) waiting.push(dueAt)
      else send(socket, dueAt)
    }
    if (asked === total) clearInterval(tick)
  }, 1)
  await finished
  for (const socket of sockets) socket.destroy()
  return { latencies, executed }
}
