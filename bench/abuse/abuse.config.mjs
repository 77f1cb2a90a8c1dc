/** `default` is signed; `large` answers a mebibyte to anybody. */
import { stripe } from 'hookonce/senders/stripe'

export const SECRET = 'whsec_of-the-load-under-abuse'
export const OPERATOR_TOKEN = 'token-of-the-load-under-abuse'

export default {
  sources: {
    default: { sender: stripe({ secrets: [SECRET] }) },
    large: { handle: () => new Response('x'.repeat(1_048_576)) },
  },
}
