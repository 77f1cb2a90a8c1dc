import { SENDERS } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { RECIPES } from './recipes.js'
import { signed } from './signed.js'
import { PUBLIC_URL } from './support.js'

describe.each([...SENDERS.values()])('$facts.name', kind => {
  const now = Date.now()
  const recipe = RECIPES[kind.facts.name]!
  const secret = recipe.secret()
  const given = (recipe.publicHalf ?? (value => value))(secret)
  const options = { publicUrl: PUBLIC_URL, verifyToken: 'a-verify-token' }
  const create = recipe.create ?? kind.create
  const [signer, sender] = [create({ secrets: [secret], ...options }), create({ secrets: [given], ...options })]
  const examples = (id: string) => kind.examples({ id, now })

  test('has few examples, each of a type of its own', () => {
    const types = examples('id').map(({ type }) => type)
    expect(types.length).toBeGreaterThan(0)
    expect(types.length).toBeLessThanOrEqual(4)
    expect(new Set(types).size).toBe(types.length)
  })

  test('takes each of them for an event, and with another id for another', () => {
    const deliveries = ['evt-1', 'evt-2'].flatMap(id =>
      examples(id).map(({ type, body, contentType, headers }) => {
        const event = { id, body, contentType, url: PUBLIC_URL, now }
        const delivery = signed(signer, event)
        return { type, delivery: signed(signer, event, { headers: [...headers, ...delivery.headers] }) }
      }),
    )
    for (const { type, delivery } of deliveries) {
      expect([type, sender.verify(delivery, now)]).toEqual([type, null])
      expect([type, sender.handshake?.(delivery) ?? null]).toEqual([type, null])
    }
    const keys = (id: number) =>
      deliveries.slice(id * (deliveries.length / 2)).map(({ delivery }) => sender.key(delivery))
    const [all, second] = [keys(0), keys(1)]
    expect(all).not.toContain(null)
    expect(all.slice(0, second.length).filter(key => second.includes(key))).toEqual([])
  })
})
