import { ALL_SHOWN } from '../config/redaction.js'
import { INTEGER, nullable, OPTIONAL_TIME, object, TEXT, TIME } from '../http/openapi/json-schema.js'
import { BODY, bodyJson, HEADER_LIST, isoTime } from '../http/record-json.js'
import type { RefusedOf } from './refused-deliveries.js'

const FINDING = object({ code: { ...TEXT, description: 'stable' }, text: TEXT })

export const FINDINGS = { type: 'array', items: FINDING, description: 'likely reasons, most telling first' }

const SUMMARY = {
  id: TEXT,
  source: TEXT,
  at: TIME,
  status: INTEGER,
  outcome: { enum: ['unauthorized', 'invalid', 'mismatch'] },
  code: nullable('string', { description: 'of the problem that it was answered' }),
  peer: { ...TEXT, description: 'the address that it came from: a proxy’s, if there is one' },
  request_id: TEXT,
  key: nullable('string', { description: 'of a mismatch' }),
  findings: FINDINGS,
  unlogged: { ...INTEGER, description: 'how many alike were refused before it without a place in the list' },
  accepted_at: { ...OPTIONAL_TIME, description: 'when an operator accepted it all the same' },
}

/** One of `GET /api/refused`. */
export const REFUSED_SUMMARY = object(SUMMARY)

/** `GET /api/refused/delivery`. */
export const REFUSED = object(
  {
    ...SUMMARY,
    method: TEXT,
    url: TEXT,
    headers: HEADER_LIST,
    ...BODY,
    body_bytes: nullable('integer', { description: 'of the whole body; null: it was not read' }),
    first: { ...object(BODY), description: 'of a mismatch: the delivery that took the key, if its body is kept' },
  },
  ['first'],
)

/** The answer of `POST /api/refused/verify`. */
export const VERIFIED = object({ verifies: { type: 'boolean' }, findings: SUMMARY.findings })

export const refusedSummaryJson = ({ requestId, at, acceptedAt, ...refused }: RefusedOf) => {
  const { id, source, status, outcome, code, peer, key, findings, unlogged } = refused
  return {
    ...{ id, source, at: isoTime(at), status, outcome, code, peer, request_id: requestId, key, findings, unlogged },
    accepted_at: isoTime(acceptedAt ?? null),
  }
}

export function refusedJson(refused: RefusedOf, firstBody: Uint8Array | undefined) {
  const { method, url, headers, body, bodyBytes } = refused
  return {
    ...refusedSummaryJson(refused),
    ...{ method, url, headers },
    // What the source hides was not kept.
    ...bodyJson(body, ALL_SHOWN),
    body_bytes: bodyBytes,
    ...(firstBody !== undefined && { first: bodyJson(firstBody, ALL_SHOWN) }),
  }
}
