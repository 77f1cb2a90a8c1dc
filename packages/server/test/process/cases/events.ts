import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { send } from '../../support/http.js'
import { runCli } from '../../support/server.js'
import { startServer, temporaryFolder } from '../support/server.js'
import type { SharedStore } from '../support/stores.js'

const CONFIG = `export default {
  sources: {
    shop: {
      handle: delivery => new Response('', { status: delivery.json().fail ? 500 : 200 }),
      index: delivery => delivery.json().terms.map(term => term.trim()),
    },
    mail: { mode: 'inbox', handle: () => new Response('') },
  },
}`

interface Event {
  type: string
  terms?: unknown[]
  fail?: boolean
}

export function eventCases({ fresh }: Pick<SharedStore, 'fresh'>): void {
  test('events are found by type, beginning of the key, term, error and time, whichever process ran them', async () => {
    const config = join(temporaryFolder(), 'hookonce.config.mjs')
    writeFileSync(config, CONFIG)
    const settings = fresh()
    const servers = await Promise.all(['a', 'b'].map(() => startServer(settings, { args: ['--config', config] })))
    const [one, two] = servers as [(typeof servers)[0], (typeof servers)[0]]
    const deliver = (url: string, source: string, key: string, event: Event) =>
      send(`${url}/hooks/${source}`, { headers: { 'x-idempotency-key': key }, body: JSON.stringify(event) })

    const orders = Array.from({ length: 12 }, (_, i) => `order-${String(i).padStart(2, '0')}`)
    for (const [i, key] of orders.entries()) {
      const event = { type: i % 2 === 0 ? 'order.paid' : 'order.sent', terms: [` ${4700 + i}`, 'customer 7'] }
      expect((await deliver([one, two][i % 2]!.url, 'shop', key, event)).status).toBe(200)
    }
    expect((await deliver(one.url, 'shop', 'order-00', { type: 'order.paid', terms: [] })).status).toBe(422)
    expect((await deliver(one.url, 'shop', 'broken', { type: 'order.paid', terms: [1], fail: true })).status).toBe(500)
    expect((await deliver(two.url, 'mail', 'letter', { type: 'mail.sent' })).status).toBe(202)

    const find = async (query: string, { url } = one) =>
      (await send(`${url}/api/records?${query}`, { method: 'GET' })).json.records
    const keys = async (query: string) => (await find(query)).map(({ key }: { key: string }) => key)
    const newestFirst = orders.toReversed()
    // The index is written within two seconds.
    await expect.poll(() => keys('type=mail')).toEqual(['letter'])
    await expect.poll(() => keys('source=shop&order=newest')).toEqual(['broken', ...newestFirst])
    expect(await keys('type=order.')).toEqual(['broken', ...newestFirst])
    expect(await keys('type=order.sent&source=shop')).toEqual(newestFirst.filter((_, i) => i % 2 === 0))
    expect(await keys('key_prefix=order-1')).toEqual(['order-11', 'order-10'])
    expect(await keys('term=4703')).toEqual(['order-03'])
    expect(await keys('term=customer%207&source=mail')).toEqual([])
    expect(await keys('type=order.&error=500')).toEqual(['broken'])
    expect(await keys('type=order.&state=completed&key_prefix=broken')).toEqual([])
    expect(await find('term=4703', two)).toMatchObject([{ event_type: 'order.sent', state: 'completed' }])
    const [{ created_at: since }] = await find('key_prefix=broken')
    expect(await keys(`source=mail&since=${since}`)).toEqual(['letter'])
    expect(await keys(`type=order&until=2030-01-01T00:00:00Z&since=2029-01-01T00:00:00Z`)).toEqual([])

    const paged = async (query: string) => {
      const found: string[] = []
      for (let after = ''; ; ) {
        const { json } = await send(`${two.url}/api/records?${query}&limit=5${after}`, { method: 'GET' })
        found.push(...json.records.map(({ key }: { key: string }) => key))
        if (json.next === undefined) return found
        after = `&after=${encodeURIComponent(json.next)}`
      }
    }
    expect(await paged('source=shop&order=newest')).toEqual(['broken', ...newestFirst])
    expect((await send(`${one.url}/api/records?type=x&after=nonsense`, { method: 'GET' })).status).toBe(400)

    // What `index` threw at is logged, and found without its terms.
    await expect.poll(() => one.logged('an event was indexed without its terms')).toHaveLength(1)

    const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]))
    const args = ['records', 'list', '--config', config, '--type', 'order.sent', '--since', '1h', '--json']
    const listed = await runCli({ env, args })
    expect(JSON.parse(listed.stdout).records.map(({ key }: { key: string }) => key)).toEqual(
      newestFirst.filter((_, i) => i % 2 === 0),
    )
  })

  test('without an index the filters that need it are refused', async () => {
    const server = await startServer({ ...fresh(), HOOKONCE_EVENT_INDEX: 'false' })
    const { status, json } = await send(`${server.url}/api/records?type=x`, { method: 'GET' })
    expect([status, json.detail]).toEqual([400, expect.stringContaining('HOOKONCE_EVENT_INDEX is false')])
    expect((await send(`${server.url}/api/records?order=newest`, { method: 'GET' })).status).toBe(200)
  })
}
