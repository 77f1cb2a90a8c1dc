import { Delivery } from 'hookonce'
import { SENDERS } from 'hookonce/senders'
import { describe, expect, test } from 'vitest'
import { RECIPES } from '../../../hookonce/test/senders/recipes.js'
import type { ResolvedSource } from '../../src/config/resolve.js'
import { TAMPERINGS, tamperedDelivery } from '../../src/operator/lab/test-event.js'

const REFUSALS = {
  body: 'signature_wrong',
  timestamp: 'timestamp_old',
  secret: 'signature_wrong',
  signature: 'signature_missing',
}

describe.each([...SENDERS.values()])('$facts.name', kind => {
  const recipe = RECIPES[kind.facts.name]!
  const options = { publicUrl: 'https://hooks.example.com/hooks/x', verifyToken: 'a-verify-token' }
  // A key pair's private half verifies too.
  const sender = (recipe.create ?? kind.create)({ secrets: [recipe.secret()], ...options })
  const source = { options: { name: 'x', sender } } as unknown as ResolvedSource
  const event = { id: 'evt-1', host: 'hooks.example.com', requestId: 'r-1' }

  test.each(TAMPERINGS)('refuses a delivery with its %s wrong, or it is not made', how => {
    const made = tamperedDelivery('x', source, event, how)
    const shows = !(how === 'body' && recipe.signsNothing) && !(how === 'timestamp' && recipe.timestamp === undefined)
    const seen = made instanceof Delivery ? sender.verify(made, Date.now()) : made.status
    expect(seen).toBe(shows ? REFUSALS[how] : 400)
  })
})
