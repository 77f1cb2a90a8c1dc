import type { HeaderList } from '../../http/delivery.js'
import type { EventExample } from '../sender.js'

/** @param headers that say what it is, where the sender has such */
export const jsonExample = (type: string, body: object, headers: HeaderList = []): EventExample => ({
  type,
  contentType: 'application/json',
  headers,
  body: JSON.stringify(body),
})

export const formExample = (type: string, fields: Record<string, string>): EventExample => ({
  type,
  contentType: 'application/x-www-form-urlencoded',
  headers: [],
  body: String(new URLSearchParams(fields)),
})
