import { aNumber } from '../util/options.js'
import { jsonExample } from './primitives/examples.js'
import { checkSender } from './primitives/sender-options.js'
import { signedMessages } from './primitives/signed-messages.js'
import type { Sender, SenderKind } from './sender.js'
import { SVIX, type SvixOptions } from './svix.js'

export const CLERK: SenderKind = {
  facts: {
    ...SVIX.facts,
    name: 'clerk',
    title: 'Clerk',
    secret: 'Dashboard → Webhooks → the endpoint → Signing Secret: `whsec_…`, base64 after the prefix',
    pitfalls: [
      'Clerk delivers through Svix: the headers are `svix-…`.',
      'A retry has a new timestamp and signature and the old id.',
    ],
    pages: ['https://clerk.com/docs/webhooks/overview', 'https://docs.svix.com/retries'],
  },
  create: ({ secrets }) => clerk({ secrets }),
  examples({ id, now }) {
    const event = (type: string, data: object) => jsonExample(type, { type, object: 'event', data })
    const user = { id: 'user_1', object: 'user', created_at: now, external_id: id }
    return [
      event('user.created', user),
      event('user.updated', { ...user, updated_at: now }),
      event('session.created', {
        id: 'sess_1',
        object: 'session',
        user_id: 'user_1',
        status: 'active',
        created_at: now,
      }),
    ]
  },
}

export type ClerkOptions = SvixOptions

/**
 * @example
 * receiver.source({ name: 'clerk', sender: clerk({ secrets: [process.env.CLERK_SECRET!] }) })
 */
export function clerk(options: ClerkOptions): Sender {
  checkSender(CLERK.facts, options, 'secrets', { toleranceMs: aNumber })
  const { secrets, toleranceMs } = options
  return signedMessages({ facts: CLERK.facts, secrets, toleranceMs, headers: ['svix', 'webhook'] })
}
