import { BASIC } from './basic.js'
import { BEARER } from './bearer.js'
import { CLERK } from './clerk.js'
import { DISCORD } from './discord.js'
import { DISCORD_EVENTS } from './discord-events.js'
import { GITHUB } from './github.js'
import { GITLAB } from './gitlab.js'
import { HMAC } from './hmac.js'
import { HUBSPOT } from './hubspot.js'
import { LINEAR } from './linear.js'
import { META } from './meta.js'
import { PADDLE } from './paddle.js'
import { PAGERDUTY } from './pagerduty.js'
import type { SenderKind } from './sender.js'
import { SENDGRID } from './sendgrid.js'
import { SHOPIFY } from './shopify.js'
import { SLACK } from './slack.js'
import { SQUARE } from './square.js'
import { STANDARD_WEBHOOKS } from './standard-webhooks.js'
import { STRIPE } from './stripe.js'
import { SVIX } from './svix.js'
import { TWILIO } from './twilio.js'
import { TWITCH } from './twitch.js'
import { VERCEL } from './vercel.js'
import { ZOOM } from './zoom.js'

/** All senders, by name. */
export const SENDERS: ReadonlyMap<string, SenderKind> = new Map(
  [
    BASIC,
    BEARER,
    CLERK,
    DISCORD,
    DISCORD_EVENTS,
    GITHUB,
    GITLAB,
    HMAC,
    HUBSPOT,
    LINEAR,
    META,
    PADDLE,
    PAGERDUTY,
    SENDGRID,
    SHOPIFY,
    SLACK,
    SQUARE,
    STANDARD_WEBHOOKS,
    STRIPE,
    SVIX,
    TWILIO,
    TWITCH,
    VERCEL,
    ZOOM,
  ].map(kind => [kind.facts.name, kind] as const),
)
