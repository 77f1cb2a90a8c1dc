import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AttemptWith, type CommitOf, withCommit } from '../../engine/attempt.js'
import { mapCommit } from '../../engine/commit.js'
import { Delivery, type DeliveryHead } from '../../http/delivery.js'
import type { Answer, HandlerResponse } from '../../http/response.js'
import type { Source } from '../../receiver/source.js'
import { type BodyOutcome, readBody } from './read-body.js'
import { ResponseCapture } from './response-capture.js'
import { rewind } from './rewind.js'
import { refuseUnread, sendAnswer } from './send-answer.js'

/** Starts the handler. What it throws fails the attempt; later errors do so through `capture.fail`. */
export type Run<Kind> = (body: Buffer, attempt: AttemptWith<Kind, unknown>, capture: ResponseCapture) => void

type Request = IncomingMessage & { originalUrl?: string }

export const headOf = (req: Request): DeliveryHead => ({
  method: req.method!,
  url: req.originalUrl ?? req.url!,
  headers: req.rawHeaders,
})

/**
 * Reads a request, processes it and sends the answer; resolves when that is done. `read`: the body, if earlier
 * middleware has read it.
 */
export function serve<Kind>(
  source: Source<Kind>,
  req: Request,
  res: ServerResponse,
  run: Run<Kind>,
  read?: Buffer,
): Promise<void> {
  return serveRead(source, req, res, run, read).catch(error => {
    source.failed(error)
    res.destroy()
  })
}

async function serveRead<Kind>(
  source: Source<Kind>,
  req: Request,
  res: ServerResponse,
  run: Run<Kind>,
  read: Buffer | undefined,
): Promise<void> {
  const refused = source.refusal(headOf(req))
  if (refused !== undefined) return refuseUnread(req, res, refused)
  const body: BodyOutcome = read ?? (await readBody(req, source.maxBodyBytes))
  if (body === 'aborted') return
  if (body === 'too_large') return refuseUnread(req, res, source.tooLarge())
  const { answer, capture } = await receive(source, req, res, body, run)
  await sendAnswer(res, answer, capture, error => void source.failed(error))
}

/** Processes a request whose body is read. `capture`: there if the handler was run. */
export async function receive<Kind>(
  source: Source<Kind>,
  req: Request,
  res: ServerResponse,
  body: Buffer,
  run: Run<Kind>,
): Promise<{ answer: Answer; capture: ResponseCapture | undefined }> {
  const delivery = new Delivery({ ...headOf(req), body })
  let capture: ResponseCapture | undefined
  const answer = await source.receive(delivery, (_, attempt) => {
    const started = new ResponseCapture(req, res, source.maxResponseBytes)
    capture = started
    rewind(req, body)
    const { commit } = attempt as { commit?: CommitOf<HandlerResponse> }
    // The effects of a commit end the response. What they return has no meaning.
    const answered = (): HandlerResponse => {
      if (started.answer !== undefined) return started.answer
      throw new TypeError('the response must be ended inside commit: it is what is recorded with the effects')
    }
    try {
      run(body, withCommit(attempt, commit && mapCommit(commit, answered)), started)
    } catch (error) {
      started.fail(error)
    }
    return started.response
  })
  return { answer, capture }
}
