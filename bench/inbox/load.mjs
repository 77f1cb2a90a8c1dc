/** The events of the inbox's bench, the same for everybody. */
import { randomUUID } from 'node:crypto'
import { Delivery } from 'hookonce'

/** How many are brought at once, and how many are worked on at once. */
export const AT_ONCE = 64

const body = Buffer.from(JSON.stringify({ type: 'payment.completed', data: { id: 'pay_1', note: 'x'.repeat(400) } }))

export const newEvent = () => {
  const key = randomUUID()
  const headers = [
    ['x-idempotency-key', key],
    ['content-type', 'application/json'],
  ]
  return { key, body, delivery: new Delivery({ method: 'POST', url: '/hooks/orders', headers, body }) }
}

export async function timesAtOnce(times, work) {
  let left = times
  const go = async () => {
    while (left-- > 0) await work()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, go))
}

/** Answers messages: each name of `answers` is a field that a message may have, with its number. */
export function answer(answers) {
  process.on('message', async message => {
    for (const [name, given] of Object.entries(message)) {
      const startedAt = performance.now()
      await answers[name](given)
      process.send({ perSecond: (given / (performance.now() - startedAt)) * 1000 })
    }
  })
}

/** Resolves when so many calls were made. */
export function countdown() {
  let left = 0
  let done
  return {
    done: () => void (--left === 0 && done()),
    wait: count => {
      left += count
      return new Promise(resolve => {
        done = resolve
      })
    },
  }
}
