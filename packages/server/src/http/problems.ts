import { type Answer, type DeliveryOutcome, PROBLEMS } from 'hookonce'

/** The library's problems and the server's own. */
export const SERVER_PROBLEMS = {
  ...PROBLEMS,
  bad_request: [400, 'The request is not valid'],
  operator_token_required: [401, 'This route is for operators'],
  operator_access_denied: [403, 'This route is for operators'],
  request_timeout: [408, 'The request was sent too slowly'],
  record_running: [409, 'The record is held by a running attempt'],
  record_completed: [409, 'The delivery was processed already'],
  failed_incomplete: [409, 'The failed delivery was not kept whole'],
  replay_unconfirmed: [409, 'The number of deliveries to replay is not confirmed'],
  refused_incomplete: [409, 'The refused delivery was not kept whole'],
  redrive_unconfirmed: [409, 'The number of deliveries to redrive is not confirmed'],
  test_key_used: [409, 'The key of the test has a record already'],
  test_running: [409, 'A test runs already'],
  media_type_invalid: [415, 'The Content-Type is not valid'],
  operator_token_guessed: [429, 'Too many wrong tokens'],
  rate_limited: [429, 'Too many deliveries of this source'],
  internal_error: [500, 'The request could not be answered'],
  loop_detected: [508, 'The delivery came back to the receiver that forwards it'],
  overloaded: [503, 'This receiver has too much to do'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ServerProblemCode = keyof typeof SERVER_PROBLEMS

export interface ServerProblemOptions {
  detail?: string
  headers?: readonly (readonly [name: string, value: string])[]
  /** Further members of the problem. */
  members?: Record<string, unknown>
  outcome?: DeliveryOutcome
}

/** An `application/problem+json` answer (RFC 9457) in the form of the library's. */
export function serverProblem(code: ServerProblemCode, options: ServerProblemOptions = {}): Answer {
  const [status, title] = SERVER_PROBLEMS[code]
  const body = {
    type: `/problems/${code}`,
    title,
    status,
    detail: options.detail ?? `${title}.`,
    code,
    ...options.members,
  }
  return {
    status,
    headers: [['content-type', 'application/problem+json'], ...(options.headers ?? [])],
    body: Buffer.from(JSON.stringify(body)),
    outcome: options.outcome ?? 'invalid',
  }
}

/** The problem that an answer is; `undefined`: it is none. */
export function problemIn({ headers, body }: Answer): { code: ServerProblemCode; detail: string } | undefined {
  const isProblem = headers.some(([name, value]) => name === 'content-type' && value === 'application/problem+json')
  if (!isProblem) return undefined
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch {
    // An application's failure may claim to be one.
    return undefined
  }
}
