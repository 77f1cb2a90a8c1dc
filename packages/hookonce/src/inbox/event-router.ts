import type { AttemptWith } from '../engine/attempt.js'
import { NonRetriableError } from '../errors.js'
import type { Delivery } from '../http/delivery.js'
import type { HandlerResponse } from '../http/response.js'

/**
 * What is used of a Standard Schema (https://standardschema.dev), which zod, valibot, arktype and others implement: any
 * of their schemas will do.
 */
export interface StandardSchema<Output> {
  readonly '~standard': {
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a handler of one type of event is called with. */
export interface WebhookEvent<Payload, Kind = never> {
  type: string
  payload: Payload
  delivery: Delivery
  attempt: AttemptWith<Kind, HandlerResponse>
}

// biome-ignore lint/suspicious/noConfusingVoidType: what an async function without a return gives
type Result = HandlerResponse | undefined | void

export interface Webhook<Payload, Kind = never> {
  /** What the payload must be. A payload that is not makes the delivery dead at once: it will not get better. */
  schema?: StandardSchema<Payload>
  handle(event: WebhookEvent<Payload, Kind>): Result | Promise<Result>
}

export interface WebhooksOptions<Kind = never> {
  /** The type of an event. Default: the field `type` of its JSON, or `event`. */
  type?: (delivery: Delivery) => string
  /** The payload of an event. Default: its JSON. */
  payload?: (delivery: Delivery) => unknown
  /** By type, made with {@link webhook}. */
  // biome-ignore lint/suspicious/noExplicitAny: each type of event has a payload of its own
  on: Record<string, Webhook<any, Kind>>
  /** For types that are not named. Default: the event is taken as done, as most senders advise. */
  otherwise?: (event: WebhookEvent<unknown, Kind>) => Result | Promise<Result>
}

/** Gives `handle` the type that `schema` makes of the payload. */
export function webhook<Payload = unknown, Kind = never>(one: Webhook<Payload, Kind>): Webhook<Payload, Kind> {
  return one
}

/**
 * Routes deliveries by the type of their event, each with its payload checked: a handler for an inbox.
 *
 * @example
 * const handler = defineWebhooks({
 *   on: {
 *     'payment.received': webhook({
 *       schema: z.object({ data: z.object({ payment_id: z.string(), amount: z.number() }) }),
 *       handle: async ({ payload, attempt }) => ship(payload.data.payment_id, attempt.keyFor('ship')),
 *     }),
 *   },
 * })
 * const inbox = createInbox({ receiver, handlers: { payments: handler } })
 *
 * The handler throws {@link NonRetriableError} for a body that is not JSON, an event without a type, and a payload that
 * its schema refuses.
 */
export function defineWebhooks<Kind = never>(options: WebhooksOptions<Kind>) {
  const { type: typeOf = typeField, payload: payloadOf = json, on, otherwise = () => undefined } = options
  const byType = new Map(Object.entries(on))
  return async (delivery: Delivery, attempt: AttemptWith<Kind, HandlerResponse>): Promise<Result> => {
    const type = typeOf(delivery)
    const payload = payloadOf(delivery)
    const known = byType.get(type)
    if (known === undefined) return otherwise({ type, payload, delivery, attempt })
    const checked = known.schema === undefined ? payload : await check(known.schema, payload, type)
    return known.handle({ type, payload: checked, delivery, attempt })
  }
}

function json(delivery: Delivery): unknown {
  try {
    return delivery.json()
  } catch (cause) {
    // Not its message: it quotes the body.
    throw new NonRetriableError('the body is not JSON', { cause })
  }
}

function typeField(delivery: Delivery): string {
  const event = json(delivery) as { type?: unknown; event?: unknown } | null
  const type = event?.type ?? event?.event
  if (typeof type !== 'string') throw new NonRetriableError('the event has no type')
  return type
}

async function check<T>(schema: StandardSchema<T>, payload: unknown, type: string): Promise<T> {
  const result = await schema['~standard'].validate(payload)
  if (result.issues === undefined) return result.value
  const issues = result.issues.slice(0, 5).map(({ message, path = [] }) => {
    const at = path.map(part => String(typeof part === 'object' ? part.key : part)).join('.')
    return at === '' ? message : `${at}: ${message}`
  })
  throw new NonRetriableError(`the payload of ${type} is not valid: ${issues.join('; ')}`)
}
