import type { Attempt, AttemptWith } from '../../attempt.js'
import type { Source } from '../../receiver.js'

const attempts = new WeakMap<object, { attempt: Attempt; source: unknown }>()

export function rememberAttempt(req: object, attempt: Attempt, source: unknown): void {
  attempts.set(req, { attempt, source })
}

export const hasAttempt = (req: object): boolean => attempts.has(req)

/**
 * The attempt that a request behind `idempotent` belongs to. With the source that was given to `idempotent`, its
 * type has `commit` where that source's store has transactions; the effects end the response inside the commit.
 *
 * @throws {TypeError} if the request is not behind `idempotent`, or behind that of another source
 *
 * @example Express
 * app.post('/webhook', idempotent(receiver), async (req, res) => {
 *   await ship(req.body, { idempotencyKey: attemptOf(req).keyFor('ship') })
 *   res.sendStatus(204)
 * })
 *
 * @example Express, with effects
 * app.post('/payments', idempotent(receiver), async (req, res) => {
 *   await attemptOf(req, receiver).commit(async tx => {
 *     await tx.query('insert into payments (id) values ($1)', [req.body.id])
 *     res.json({ ok: true })
 *   })
 * })
 *
 * @example Fastify, with effects
 * app.post('/payments', async (request, reply) => {
 *   await attemptOf(request, receiver).commit(async tx => {
 *     await tx.query('insert into payments (id) values ($1)', [request.body.id])
 *     reply.send({ ok: true })
 *   })
 * })
 */
export function attemptOf<Kind = never>(req: object, source?: Source<Kind>): AttemptWith<Kind, unknown> {
  const known = attempts.get(req)
  if (!known) throw new TypeError('attemptOf: this request did not pass idempotent()')
  if (source !== undefined && source !== known.source) {
    throw new TypeError('attemptOf: this request passed idempotent() of another source')
  }
  return known.attempt as AttemptWith<Kind, unknown>
}
