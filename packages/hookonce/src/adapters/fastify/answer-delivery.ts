import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Attempt, type CommitOf, withCommit } from '../../engine/attempt.js'
import { mapCommit } from '../../engine/commit.js'
import type { Source } from '../../receiver/source.js'
import { rememberAttempt } from '../node/attempt-of.js'
import { receive } from '../node/handle-request.js'
import { sendAnswer } from '../node/send-answer.js'

/**
 * Processes a delivery whose body is read, and sends the answer. `run` continues to the handler, whose reply is
 * captured.
 *
 * @param given what the application named the source by, for `attemptOf`
 */
export async function answerDelivery(
  source: Source,
  given: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  body: Buffer,
  run: () => void,
): Promise<void> {
  keepHeaders(reply)
  const req = request.raw
  const res = reply.raw
  const { answer, capture } = await receive(source, req, res, body, (_, attempt, capture) => {
    // Fastify answers `undefined` only if the request has a connected socket.
    if (res.socket) req.socket = res.socket
    request.rawBody = body
    rememberAttempt(request, committing(reply, attempt, capture.response), source, given)
    run()
  })
  if (capture === undefined) reply.hijack()
  await sendAnswer(res, answer, capture, error => void source.failed(error))
}

/** Headers of earlier hooks are on every answer. */
export function keepHeaders(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
}

/**
 * `reply.send` inside a commit answers later if there are `onSend` hooks or a stream: the commit waits for the whole
 * answer, and so does `await reply` inside it.
 */
function committing(reply: FastifyReply, attempt: Attempt, answered: Promise<unknown>): Attempt {
  const { commit } = attempt as { commit?: CommitOf<unknown> }
  if (commit === undefined) return attempt
  const { send } = reply
  let sends = false
  Object.assign(reply, {
    send(payload: unknown) {
      sends = true
      return send.call(reply, payload)
    },
    // biome-ignore lint/suspicious/noThenProperty: a reply has one
    then(fulfilled: () => void, rejected: (error: Error) => void) {
      answered.then(() => fulfilled(), rejected)
    },
  })
  const whole = (value: unknown) => (sends && !reply.sent ? answered.then(() => value) : value)
  return withCommit<never, unknown>(attempt, mapCommit(commit, whole))
}
