/** What the floor and the peers have in common: a bare Fastify, and the work that Hookonce's default handler does. */
import Fastify from 'fastify'
import { v7 as uuidv7 } from 'uuid'

/** Answers `POST /webhook` with `deliver`, on a free port that is printed. */
export async function receive(deliver) {
  const app = Fastify()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.post('/webhook', deliver)
  console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
}

export const acknowledgement = () =>
  JSON.stringify({ status: 'success', message: 'Webhook processed successfully', event_id: uuidv7() })
