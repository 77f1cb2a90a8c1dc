import type { FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import type { Source } from '../../receiver/source.js'
import { headOf } from '../node/handle-request.js'
import { readBody } from '../node/read-body.js'
import { refuseUnread } from '../node/send-answer.js'
import { keepHeaders } from './answer-delivery.js'

/**
 * Reads a delivery in `preParsing`, or answers it when it is refused by its head or too large.
 *
 * @param read the body, if somebody has read it before
 * @param failed called with the error of a payload that an earlier hook decompresses
 * @returns the body; `undefined`: it is answered, or its sender left
 */
export async function readDelivery(
  source: Source,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: RequestPayload,
  read: Buffer | undefined,
  failed: (error: Error) => void,
): Promise<Buffer | undefined> {
  const req = request.raw
  const res = reply.raw
  const refused = source.refusal(headOf(req))
  if (refused !== undefined) {
    keepHeaders(reply)
    reply.hijack()
    refuseUnread(req, res, refused)
    return undefined
  }
  if (payload !== req) payload.once('error', failed)
  const body = read ?? (await readBody(req, source.maxBodyBytes, payload))
  // Fastify's time limit for handlers may have answered.
  if (body === 'aborted' || reply.sent) return undefined
  if (body === 'too_large') {
    keepHeaders(reply)
    reply.hijack()
    refuseUnread(req, res, source.tooLarge())
    return undefined
  }
  return body
}

/** Fastify compares it with the content-length of a decompressed body. */
export function sizeOf({ receivedEncodedLength }: RequestPayload): Pick<RequestPayload, 'receivedEncodedLength'> {
  return receivedEncodedLength === undefined ? {} : { receivedEncodedLength }
}
