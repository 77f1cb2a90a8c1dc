import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { type Answer, ConfigurationError, Delivery, type HeaderList } from 'hookonce'
import { SENDERS, type Sender } from 'hookonce/senders'
import type { ResolvedSource } from '../../config/resolve.js'
import { SETTINGS } from '../../config/settings.js'
import { mountedSource, type SourceContext } from '../../deliveries/sources.js'
import { json, OPERATORS, operatorProblems, query, SOURCE } from '../../http/openapi/answers.js'
import { ref } from '../../http/openapi/schemas.js'
import { serverProblem } from '../../http/problems.js'
import { jsonAnswer } from '../../http/respond.js'
import { answered } from '../answered.js'
import type { Audit } from '../audit.js'
import { changeForOperators } from '../auth/guard.js'
import type { Operators } from '../auth/operators.js'

export interface TestDeliveryContext extends SourceContext {
  sources: ReadonlyMap<string, ResolvedSource>
  operators: Operators
  audit: Audit
}

/** For the JSON around the body. */
const ENVELOPE_BYTES = 16_384

const TEST = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    body: {
      type: 'string',
      description: 'default: an example of the sender of the source',
      examples: ['{"a":1}'],
    },
    key: {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      description: 'the sender’s name for the event; default: a new one',
      examples: ['test-key-123'],
    },
  },
}

const PAIR = {
  type: 'object',
  required: ['key', 'first', 'duplicate'],
  properties: { key: { type: 'string' }, first: ref('TestAnswer'), duplicate: ref('TestAnswer') },
}

/** Tests a source: one delivery, sent twice. Its handler runs as for any other delivery. */
export function testDeliveryRoute(app: FastifyInstance, context: TestDeliveryContext): void {
  const { sources, operators, audit } = context
  const largest = Math.max(...[...sources.values()].map(({ options }) => options.maxBodyBytes ?? 0))
  app.post('/api/test', {
    // Escapes in JSON may double the size of the body.
    bodyLimit: 2 * largest + ENVELOPE_BYTES,
    schema: {
      ...OPERATORS,
      summary: 'Send one delivery twice, as the sender of a source would',
      description:
        'The handler of the source runs, the application behind it is called: use a test event. Nothing is signed for a caller without a token.',
      ...query({ source: SOURCE }),
      body: TEST,
      response: {
        ...json('the answers to the delivery and to its duplicate', PAIR),
        ...operatorProblems('not_found', 'media_type_invalid', 'body_too_large'),
      },
    },
    ...changeForOperators(operators.refusal, async (_, request) => {
      const { source: name } = request.query as { source: string }
      const configured = sources.get(name)!
      if (configured.options.sender !== undefined && operators.mode !== 'token') return signingDenied()
      const given = (request.body ?? {}) as { body?: string; key?: string }
      const id = given.key ?? `test-${randomUUID()}`
      const { source, receive } = mountedSource(name, configured, context)
      if (given.body !== undefined && Buffer.byteLength(given.body) > source.maxBodyBytes) return source.tooLarge()
      const host = request.raw.headers.host ?? 'localhost'
      const delivery = tryToSign(() => testDelivery(name, configured, { ...given, id, host }))
      if (!(delivery instanceof Delivery)) return delivery
      const key = keyOf(configured.options.sender, delivery) ?? id
      const first = await answered(() => receive(delivery))
      const duplicate = await answered(() => receive(delivery))
      audit(request.raw, { action: 'test', source: name, key, outcome: `${first.status} ${duplicate.status}` })
      return jsonAnswer({ key, first, duplicate })
    }),
  })
}

/** The application trusts what is signed. */
function signingDenied(): Answer {
  return serverProblem('operator_access_denied', {
    detail: `Deliveries of this source are signed, and nothing is signed for a caller without a token: set ${SETTINGS.adminToken.env}.`,
  })
}

/** A source that has only the public key cannot sign. */
function tryToSign(make: () => Delivery): Delivery | Answer {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return serverProblem('bad_request', {
      detail: `A delivery of this source's sender cannot be made here: ${error.message}.`,
    })
  }
}

/** The key of its record. If there is none, the answer says why. */
function keyOf(sender: Sender | undefined, delivery: Delivery): string | null {
  try {
    return sender?.key(delivery) ?? null
  } catch {
    return null
  }
}

interface TestEvent {
  id: string
  body?: string
  host: string
}

function testDelivery(name: string, { options }: ResolvedSource, { id, body: given, host }: TestEvent): Delivery {
  const { sender } = options
  const url = `/hooks/${name}`
  const now = Date.now()
  const example = sender && SENDERS.get(sender.facts.name)?.examples({ id, now })[0]
  const body = Buffer.from(given ?? example?.body ?? JSON.stringify({ event: 'test.event', data: { test: 'data' } }))
  const headers: [string, string][] = [['content-type', example?.contentType ?? 'application/json']]
  const own: HeaderList = sender
    ? sender.sign({ method: 'POST', url: `http://${host}${url}`, body, id, now })
    : [['x-idempotency-key', id]]
  return new Delivery({ method: 'POST', url, headers: [['host', host], ...headers, ...own], body })
}
