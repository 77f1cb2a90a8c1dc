import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type HttpResponse, send } from '../../../server/test/support/http.js'
import { type RunningServer, startServer, temporaryFolder } from '../../../server/test/support/server.js'
import { startProxy } from './proxy.js'
import { TOKEN } from './server.js'

/**
 * `orders` is an inbox, `payments` fails what asks for it so many times, `healing` never ends its first attempt, `stuck` never any,
 * `stripe` and `github` are signed.
 */
const CONFIG = `
import { github } from 'hookonce/senders/github'
import { stripe } from 'hookonce/senders/stripe'

const json = (value, status = 200) => Response.json(value, { status })
export default {
  sources: {
    orders: { mode: 'inbox', handle: () => json({ shipped: true }) },
    payments: {
      handle: (delivery, attempt) => {
        const { fail = 0 } = delivery.json()
        return attempt.number <= fail ? json({ told: 'the bank is away' }, 503) : json({ paid: true })
      },
    },
    healing: {
      leaseSeconds: 15,
      lockTtlSeconds: 60,
      handle: (_, attempt) => (attempt.number === 1 ? new Promise(() => {}) : json({ healed: true })),
    },
    stuck: { lockTtlSeconds: 300, handle: () => new Promise(() => {}) },
    stripe: { sender: stripe({ secrets: ['whsec_a-long-enough-secret-0123456789'] }), handle: () => json({ seen: true }) },
    github: { sender: github({ secrets: ['a-long-enough-secret-of-github'] }), handle: () => json({ seen: true }) },
  },
}
`

export const PREFIX = '/ops/hooks'

/** However busy the machine is, the store answers in time. */
const PATIENT = {
  HOOKONCE_LEASE_SECONDS: '60',
  HOOKONCE_STORE_TIMEOUT_SECONDS: '5',
  HOOKONCE_MAX_EVENT_LOOP_DELAY_MS: '0',
}

/** Two servers on one store, behind a proxy that takes turns and removes a path. */
export async function startFleet(store: Record<string, string | number>) {
  const settings = Object.fromEntries(Object.entries(store).map(([name, value]) => [name, String(value)]))
  const start = () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'hookonce.config.mjs'), CONFIG)
    return startServer({ cwd, env: { ...settings, ...PATIENT, HOOKONCE_ADMIN_TOKEN: TOKEN } })
  }
  const servers: [RunningServer, RunningServer] = [await start(), await start()]
  const { url } = await startProxy(
    servers.map(server => server.url),
    PREFIX,
  )
  let turn = 0
  return {
    servers,
    /** Where a browser that opens it is logged in. */
    page: `${url}/dashboard#token=${TOKEN}`,
    /** To one server after the other, unless one is named. */
    deliver(source: string, key: string, body: string, to = servers[turn++ % 2]!): Promise<HttpResponse> {
      const headers = { 'x-idempotency-key': key, 'content-type': 'application/json' }
      return send(`${to.url}/hooks/${source}`, { headers, body })
    },
  }
}

export type Fleet = Awaited<ReturnType<typeof startFleet>>
