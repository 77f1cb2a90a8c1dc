import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asOperator } from '../../../server/test/support/operator.js'
import { startServer, temporaryFolder } from '../../../server/test/support/server.js'

export { stopServers } from '../../../server/test/support/server.js'

export const TOKEN = 'a-long-enough-token'

/** A key and a body of somebody who wants to be run. */
export const HOSTILE_KEY = `<img/src=x/onerror=alert(1)>/%2e%2e/?#&"'\\`
export const HOSTILE_BODY = `{"</script><script>alert(1)</script>": "<img src=x onerror=alert(2)>", "n": 1.00}`

/**
 * `orders` and `payments` fail what asks for it, once; `patient` fails each delivery once and waits an hour; `stuck` never answers.
 */
const CONFIG = `
import { github } from 'hookonce/senders/github'

export default {
  sources: {
    orders: {
      mode: 'inbox',
      retryDelaysSeconds: [],
      handle: (delivery, attempt) => {
        const { fail } = delivery.json()
        if (fail !== undefined && attempt.number === 1) throw new Error(fail)
        return Response.json({ shipped: true })
      },
    },
    payments: {
      handle: (delivery, attempt) => {
        const { fail } = delivery.json()
        return Response.json({ paid: true }, { status: attempt.number <= (fail ?? 0) ? 503 : 200 })
      },
    },
    signed: { sender: github({ secrets: ['a-long-enough-secret-0123456789'] }), handle: () => Response.json({ seen: true }) },
    patient: {
      mode: 'inbox',
      retryDelaysSeconds: [3600],
      handle: (_, { number }) => new Response('', { status: number === 1 ? 503 : 200 }),
    },
    stuck: { handle: () => new Promise(() => {}) },
  },
}
`

/** The real server in a process of its own, its records in memory. */
export async function startDashboard(env: Record<string, string> = {}) {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
  const server = await startServer({ cwd, env: { HOOKONCE_STORE_URL: 'memory:', ...env } })
  return {
    ...server,
    page: (place = '') => `${server.url}/dashboard${place}`,
    deliver: (path: string, key: string, body: string) => {
      const headers = { 'x-idempotency-key': key, 'content-type': 'application/json' }
      return fetch(server.url + path, { method: 'POST', headers, body })
    },
  }
}

export type Dashboard = Awaited<ReturnType<typeof startDashboard>>

/** Deliveries to `orders` that are dead by the time it returns. */
export async function killOrders(dashboard: Dashboard, errors: Record<string, string>): Promise<void> {
  for (const [key, fail] of Object.entries(errors)) {
    await dashboard.deliver('/hooks/orders', key, JSON.stringify({ fail }))
  }
  let dead: string[] = []
  while (!Object.keys(errors).every(key => dead.includes(key))) {
    const events = `${dashboard.url}/webhook/events?state=dead&limit=500`
    const answer = await fetch(events, { headers: asOperator(events) })
    dead = ((await answer.json()) as { events: { key: string }[] }).events.map(({ key }) => key)
  }
}
