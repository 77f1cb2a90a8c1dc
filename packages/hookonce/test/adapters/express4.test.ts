// @ts-expect-error the types are Express 5's; Express 4 is here to be run
import express4 from 'express4'
import { idempotent } from 'hookonce/adapters/express'
import { expect, test, vi } from 'vitest'
import { adapterCases } from './cases.js'
import { expressAdapter } from './express.cases.js'
import { deliver, listen, receiverOver } from './harness.js'

// Express prints the errors that it answers.
vi.spyOn(console, 'error').mockImplementation(() => {})

adapterCases(expressAdapter('Express 4', express4))

test('Express 4 body parsers that follow leave the request alone', async () => {
  const app = express4().use(idempotent(receiverOver().source), express4.json())
  app.post('/webhook', (req: { body: unknown }, res: { json(body: unknown): void }) => res.json(req.body))
  const { port } = await listen(app)
  expect((await deliver(port, { key: 'k', body: '{"a":1}' })).body.toString()).toBe('{"a":1}')
})
