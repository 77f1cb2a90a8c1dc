import type { Attempt, AttemptWith } from '../../engine/attempt.js'
import type { Receiver } from '../../receiver/receiver.js'
import type { Source } from '../../receiver/source.js'

interface Known {
  attempt: Attempt
  source: Pick<Source, 'failed'>
  /** The argument of `idempotent`. */
  given: unknown
}

/** Global: a process may load this package twice, for `import` and for `require`, and ask one copy of what the other handles. */
const ATTEMPTS = Symbol.for('hookonce.attempts')
const registry = globalThis as { [ATTEMPTS]?: WeakMap<object, Known> }
registry[ATTEMPTS] ??= new WeakMap()
const attempts = registry[ATTEMPTS]

export function rememberAttempt(req: object, attempt: Attempt, source: Known['source'], given: unknown): void {
  attempts.set(req, { attempt, source, given })
}

export const attemptFor = (req: object): Known | undefined => attempts.get(req)

/**
 * The attempt of a request that `idempotent` handles. Pass the source or the receiver that `idempotent` was given to
 * get the type with `commit`, where the store has transactions. The effects end the response inside the commit.
 *
 * @throws {TypeError} `idempotent` does not handle the request, or was given another source
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
export function attemptOf<Kind = never>(
  req: object,
  source?: Source<Kind> | Receiver<Kind>,
): AttemptWith<Kind, unknown> {
  const known = attemptFor(req)
  if (!known) throw new TypeError('attemptOf: this request did not pass idempotent()')
  if (source !== undefined && source !== known.given) {
    throw new TypeError('attemptOf: this request passed idempotent() of another source')
  }
  return known.attempt as AttemptWith<Kind, unknown>
}
