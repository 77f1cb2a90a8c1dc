import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Answer, Delivery, type Store } from 'hookonce'
import type { ResolvedSource } from '../../config/resolve.js'
import { SETTINGS } from '../../config/settings.js'
import { mountedSource, type SourceContext } from '../../deliveries/sources.js'
import { json, media, OPERATORS, operatorProblems, query, SOURCE } from '../../http/openapi/answers.js'
import { nullable, object, TEXT } from '../../http/openapi/json-schema.js'
import { ref } from '../../http/openapi/schemas.js'
import { peerOf } from '../../http/peer.js'
import { serverProblem } from '../../http/problems.js'
import { HEADER_LIST } from '../../http/record-json.js'
import { requestIdFor } from '../../http/request-id.js'
import { jsonAnswer, linesAnswer } from '../../http/respond.js'
import { diagnose } from '../../journal/diagnosis.js'
import type { RefusedLog } from '../../journal/refused-log.js'
import { answered } from '../answered.js'
import type { Audit } from '../audit.js'
import { changeForOperators, forOperators } from '../auth/guard.js'
import type { Operators } from '../auth/operators.js'
import { crashAndHeal } from '../lab/crash.js'
import { sendDuplicates, TIMES } from '../lab/duplicates.js'
import type { Experiment, Progress } from '../lab/experiment.js'
import type { LiveRun } from '../lab/live-run.js'
import {
  examplesOf,
  keyIfAny,
  TAMPERINGS,
  type Tampering,
  type TestEvent,
  tamperedDelivery,
  testDelivery,
} from '../lab/test-event.js'
import { FINDINGS } from '../refused-json.js'

export interface TestContext extends SourceContext {
  sources: ReadonlyMap<string, ResolvedSource>
  store: Store
  refused: RefusedLog
  operators: Operators
  audit: Audit
}

/** For the JSON around the body. */
const ENVELOPE_BYTES = 16_384

const EVENT = {
  event: { type: 'string', maxLength: 100, description: 'the type of one of the examples; default: the first' },
  body: { type: 'string', description: 'default: that of the example', examples: ['{"a":1}'] },
  key: {
    type: 'string',
    minLength: 1,
    maxLength: 255,
    description: 'the sender’s name for the event; default: a new one',
    examples: ['test-key-123'],
  },
}

const sentEvent = (properties: object = EVENT) => ({
  type: ['object', 'null'],
  additionalProperties: false,
  properties,
})

/** Examples of these would have a record by then. */
const NEW_EVENT = { ...EVENT, key: { ...EVENT.key, examples: ['test-crash-123'] } }

const TAMPERING = {
  enum: TAMPERINGS,
  default: 'body',
  description:
    'what is wrong: the `body` was changed after it was signed, the `timestamp` is too old, the `secret` is another, the `signature` is missing',
}

const EXAMPLES = object({
  examples: {
    type: 'array',
    items: object({ event: TEXT, content_type: TEXT, headers: HEADER_LIST, body: TEXT }),
  },
})
const PAIR = object({ key: TEXT, first: ref('TestAnswer'), duplicate: ref('TestAnswer') })
const TAMPERED = object({
  answer: ref('TestAnswer'),
  findings: FINDINGS,
  refused: nullable('string', { description: 'the id of the refused delivery; null: it is not kept' }),
})

const PROGRESS = media('a line of JSON whenever something changes; the last one says `done`', 'application/x-ndjson')
const PROBLEMS = ['not_found', 'media_type_invalid', 'body_too_large'] as const

const NOTHING_SIGNED = 'Nothing is signed for a caller without a token.'
const REALLY = `The handler of the source runs, the application behind it is called: use a test event. ${NOTHING_SIGNED}`

interface Asked {
  event?: string
  body?: string
  key?: string
  tamper?: Tampering
}

/** A source, and the event that it is to be tried with. */
interface Trial extends Asked {
  name: string
  configured: ResolvedSource
  of: TestEvent
}

/** Tests of a source by deliveries as its sender makes them. Its handler runs as for any other delivery. */
export function testRoutes(app: FastifyInstance, context: TestContext): void {
  const { sources, store, refused, operators, audit } = context
  const largest = Math.max(...[...sources.values()].map(({ options }) => options.maxBodyBytes ?? 0))
  // Escapes in JSON may double the size of the body.
  const bodyLimit = 2 * largest + ENVELOPE_BYTES
  let isBusy = false

  /** What needs a token and an event. */
  const trial = (work: (trial: Trial, raw: FastifyRequest['raw']) => Promise<Answer>) =>
    changeForOperators(operators.refusal, async (_, { raw, query, body }) => {
      const { source: name } = query as { source: string }
      const configured = sources.get(name)!
      if (configured.options.sender !== undefined && operators.mode !== 'token') return signingDenied()
      const asked = (body ?? {}) as Asked
      const { source } = mountedSource(name, configured, context)
      if (asked.body !== undefined && Buffer.byteLength(asked.body) > source.maxBodyBytes) return source.tooLarge()
      const id = asked.key ?? `test-${randomUUID()}`
      const host = raw.headers.host ?? 'localhost'
      const of = { id, type: asked.event, body: asked.body, host, requestId: requestIdFor(raw) }
      return work({ ...asked, name, configured, of }, raw)
    })

  const receiveAt = ({ name, configured }: Trial) => mountedSource(name, configured, context).receive

  app.get('/api/test/examples', {
    schema: {
      ...OPERATORS,
      summary: 'Examples of the events of a source’s sender',
      ...query({ source: SOURCE }),
      response: { ...json('each with a new id', EXAMPLES), ...operatorProblems('not_found') },
    },
    ...forOperators(operators.refusal, async (_, request) => {
      const { source } = request.query as { source: string }
      const examples = examplesOf(sources.get(source)!, `test-${randomUUID()}`, Date.now())
      return jsonAnswer({
        examples: examples.map(({ type, contentType, headers, body }) => ({
          ...{ event: type, content_type: contentType, headers, body },
        })),
      })
    }),
  })

  app.post('/api/test', {
    bodyLimit,
    schema: {
      ...OPERATORS,
      summary: 'Send one delivery twice, as the sender of a source would',
      description: REALLY,
      ...query({ source: SOURCE }),
      body: sentEvent(),
      response: { ...json('the answers to the delivery and to its duplicate', PAIR), ...operatorProblems(...PROBLEMS) },
    },
    ...trial(async (trial, raw) => {
      const { name, configured, of } = trial
      const delivery = testDelivery(name, configured, of)
      if (!(delivery instanceof Delivery)) return delivery
      const receive = receiveAt(trial)
      const key = keyIfAny(configured, delivery) ?? of.id
      const first = await answered(() => receive(delivery))
      const duplicate = await answered(() => receive(delivery))
      audit(raw, { action: 'test', source: name, key, outcome: `${first.status} ${duplicate.status}` })
      return jsonAnswer({ key, first, duplicate })
    }),
  })

  app.post('/api/test/tampered', {
    bodyLimit,
    schema: {
      ...OPERATORS,
      summary: 'Send one delivery with something wrong, which the source has to refuse',
      description: `Nothing runs; what the signature would not show is 400, and is not sent. ${NOTHING_SIGNED}`,
      ...query({ source: SOURCE }),
      body: sentEvent({ ...EVENT, tamper: TAMPERING }),
      response: { ...json('how it was refused, and why', TAMPERED), ...operatorProblems(...PROBLEMS) },
    },
    ...trial(async (trial, raw) => {
      const { name, configured, of, tamper = 'body' } = trial
      const delivery = tamperedDelivery(name, configured, of, tamper)
      if (!(delivery instanceof Delivery)) return delivery
      let told: Answer | undefined
      const answer = await answered(async () => {
        told = await receiveAt(trial)(delivery)
        return told
      })
      const findings = diagnose(sources, name, delivery, Date.now())
      const id = await refused.keep(name, delivery, peerOf(raw), told!)
      audit(raw, { action: 'test_tampered', source: name, outcome: `${tamper} ${answer.status}` })
      return jsonAnswer({ answer, findings, refused: id })
    }),
  })

  /** An experiment that is watched: one at a time. */
  const watched = (
    action: 'test_duplicates' | 'test_crash',
    begin: (experiment: Experiment) => Promise<LiveRun<Progress> | Answer>,
  ) =>
    trial(async (trial, raw) => {
      if (isBusy) return serverProblem('test_running', { detail: 'Wait until it is done.' })
      const { name, configured, of } = trial
      const delivery = testDelivery(name, configured, of)
      if (!(delivery instanceof Delivery)) return delivery
      const key = keyIfAny(configured, delivery)
      if (key === null) return serverProblem('bad_request', { detail: 'Nothing was sent: the event has no key.' })
      const { receiver } = context
      isBusy = true
      const run = await begin({
        ...{ source: name, configured, key, delivery, receive: receiveAt(trial), receiver, store },
      }).catch((error: unknown) => {
        isBusy = false
        throw error
      })
      if (!('ended' in run)) {
        isBusy = false
        return run
      }
      void run.ended.then(({ record }) => {
        isBusy = false
        audit(raw, { action, source: name, key, outcome: record?.state ?? 'no record' })
      })
      return linesAnswer(run.lines())
    })

  app.post('/api/test/duplicates', {
    bodyLimit,
    schema: {
      ...OPERATORS,
      summary: `Send one delivery ${TIMES} times at once`,
      description: `${REALLY} One of these tests at a time.`,
      ...query({ source: SOURCE }),
      body: sentEvent(),
      response: {
        ...PROGRESS,
        ...operatorProblems(...PROBLEMS, 'test_running'),
      },
    },
    ...watched('test_duplicates', async experiment => sendDuplicates(experiment)),
  })

  app.post('/api/test/crash', {
    bodyLimit,
    schema: {
      ...OPERATORS,
      summary: 'Claim the key of an event as a process that dies, then deliver the event until it is done',
      description: `${REALLY} No process dies: its key is claimed under a lease that nobody renews. One of these tests at a time.`,
      ...query({ source: SOURCE }),
      body: sentEvent(NEW_EVENT),
      response: {
        ...PROGRESS,
        ...operatorProblems(...PROBLEMS, 'test_running', 'test_key_used'),
      },
    },
    ...watched('test_crash', async experiment => {
      const run = await crashAndHeal(experiment)
      if (run !== undefined) return run
      return serverProblem('test_key_used', { detail: 'Use a new key: this one has a record already.' })
    }),
  })
}

/** The application trusts what is signed. */
function signingDenied(): Answer {
  return serverProblem('operator_access_denied', {
    detail: `Deliveries of this source are signed, and nothing is signed for a caller without a token: set ${SETTINGS.adminToken.env}.`,
  })
}
