import { InvalidRequest } from '../http/openapi/validation.js'

const TIME = { type: 'string' }

/** In the query of a route that lists entries of a journal. */
export const TIME_RANGE = {
  since: { ...TIME, description: 'at this time or later: 2030-01-31T12:00:00Z' },
  until: { ...TIME, description: 'before this time' },
}

export const PAGE_AFTER = {
  type: 'string',
  pattern: '^\\d{1,16}\\..{1,1024}$',
  description: '`next` of the page before',
}

/** @throws {InvalidRequest} it is no time */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new InvalidRequest('since and until must be times, e.g. 2030-01-31T12:00:00Z')
  return time
}

/** The position that `next` names. */
export function positionIn(after: string | undefined): { at: number; id: string } | undefined {
  if (after === undefined) return undefined
  const point = after.indexOf('.')
  return { at: Number(after.slice(0, point)), id: after.slice(point + 1) }
}
