import { CLERK } from './clerk.js'
import { GITHUB } from './github.js'
import { GITLAB } from './gitlab.js'
import { LINEAR } from './linear.js'
import { PADDLE } from './paddle.js'
import type { SenderKind } from './sender.js'
import { SHOPIFY } from './shopify.js'
import { SLACK } from './slack.js'
import { SQUARE } from './square.js'
import { STANDARD_WEBHOOKS } from './standard-webhooks.js'
import { STRIPE } from './stripe.js'
import { SVIX } from './svix.js'
import { TWILIO } from './twilio.js'
import { ZOOM } from './zoom.js'

/** Every sender that is known by name. */
export const SENDERS: ReadonlyMap<string, SenderKind> = new Map(
  [CLERK, GITHUB, GITLAB, LINEAR, PADDLE, SHOPIFY, SLACK, SQUARE, STANDARD_WEBHOOKS, STRIPE, SVIX, TWILIO, ZOOM].map(
    kind => [kind.facts.name, kind] as const,
  ),
)
