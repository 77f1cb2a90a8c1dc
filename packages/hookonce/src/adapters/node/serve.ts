import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Attempt } from '../../attempt.js'
import { Delivery } from '../../delivery.js'
import type { Source } from '../../receiver.js'
import { type BodyOutcome, readBody } from './body.js'
import { ResponseCapture } from './capture.js'
import { refuseBody, sendAnswer } from './send.js'

/** Starts the handler; what it throws, and errors that come later through `fail`, fail the attempt. */
export type Run = (body: Buffer, attempt: Attempt, fail: (error: unknown) => void) => void

/** One request from its body to its answer. `read`: the body, if it was read before. */
export async function serve(
  source: Source,
  req: IncomingMessage & { originalUrl?: string },
  res: ServerResponse,
  run: Run,
  read?: Buffer,
): Promise<void> {
  const body: BodyOutcome = read ?? (await readBody(req, source.maxBodyBytes))
  if (body === 'aborted') return
  if (body === 'too_large') return refuseBody(res, source.tooLarge())
  const delivery = new Delivery({
    method: req.method!,
    url: req.originalUrl ?? req.url!,
    headers: req.rawHeaders,
    body,
  })
  let capture: ResponseCapture | undefined
  const answer = await source.receive(delivery, (_, attempt) => {
    const started = new ResponseCapture(req, res, source.maxResponseBytes)
    capture = started
    try {
      run(body, attempt, error => started.fail(error))
    } catch (error) {
      started.fail(error)
    }
    return started.response
  })
  await sendAnswer(res, answer, capture)
}
