import type { HandlerResponse } from '../../http/response.js'

/** A word given back to who sent it, and no page, whatever stands in it. */
export const plainText = (text: string, status = 200): HandlerResponse => ({
  status,
  headers: [
    ['content-type', 'text/plain; charset=utf-8'],
    ['x-content-type-options', 'nosniff'],
  ],
  body: Buffer.from(text),
})
