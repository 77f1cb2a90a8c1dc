import type { HandlerResponse } from '../../http/response.js'

/** Plain text, never sniffed as HTML: it may repeat what the request contains. */
export const plainText = (text: string, status = 200): HandlerResponse => ({
  status,
  headers: [
    ['content-type', 'text/plain; charset=utf-8'],
    ['x-content-type-options', 'nosniff'],
  ],
  body: Buffer.from(text),
})
