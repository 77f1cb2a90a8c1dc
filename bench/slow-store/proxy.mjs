/**
 * What stands between a store's client and its server, and may answer late. A connection's answers are late by a delay of
 * its own, which is drawn anew once it is a second old: drawn for each answer, those that are asked together would all be
 * as late as the latest, for they keep their order as those of Redis and Postgres do. They wait for each other not else.
 */
import { connect, createServer } from 'node:net'

const DRAW_EVERY_MS = 1_000

export async function startSlowProxy(url) {
  const { hostname, port } = new URL(url)
  const open = new Set()
  let draw = () => 0
  const server = createServer({ noDelay: true }, near => {
    const far = connect({ host: hostname, port: Number(port), noDelay: true })
    const answers = []
    let drawnAt = Number.NEGATIVE_INFINITY
    let delayMs = 0
    let timer
    const deliver = () => {
      clearTimeout(timer)
      const now = performance.now()
      while (answers.length > 0 && answers[0].dueAt <= now) near.write(answers.shift().chunk)
      if (answers.length > 0) timer = setTimeout(deliver, Math.ceil(answers[0].dueAt - now))
    }
    open.add(near)
    for (const socket of [near, far]) {
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(near)
        clearTimeout(timer)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', chunk => far.write(chunk))
    far.on('data', chunk => {
      const now = performance.now()
      if (now - drawnAt >= DRAW_EVERY_MS) {
        drawnAt = now
        delayMs = draw()
      }
      answers.push({ dueAt: now + delayMs, chunk })
      deliver()
    })
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const slow = new URL(url)
  slow.port = String(server.address().port)
  return {
    url: slow.href,
    slowDown(drawn) {
      draw = drawn
    },
    recover() {
      draw = () => 0
    },
    end() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
