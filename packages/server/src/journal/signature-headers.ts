import { SENDERS, type Sender, type SenderKind } from 'hookonce/senders'

/** The names of the headers that a sender signs and identifies an event with; none if it has only the public key. */
export function signedHeaders(sender: Sender): string[] {
  try {
    const event = { method: 'POST', url: PLACEHOLDER.publicUrl, body: Buffer.from('{}'), id: 'id', now: Date.now() }
    return sender.sign(event).map(([name]) => name.toLowerCase())
  } catch {
    return []
  }
}

/** The titles of the senders that use one of the headers. Those that sign by a private key are not known. */
export function sendersByHeader(headers: readonly string[]): string[] {
  namesByTitle ??= new Map([...SENDERS.values()].map(kind => [kind.facts.title, namesOf(kind)]))
  return [...namesByTitle].filter(([, names]) => headers.some(name => names.includes(name))).map(([title]) => title)
}

let namesByTitle: ReadonlyMap<string, string[]> | undefined

/** Of no sender: to see which headers there are. */
const PLACEHOLDER = { publicUrl: 'https://localhost/', verifyToken: 'a-token-of-nobody' }
const PLACEHOLDER_SECRETS = ['a secret of nobody, 0123456789', `whsec_${Buffer.alloc(32, 'nobody').toString('base64')}`]

/** Headers whose name users choose are no sign of a sender. */
const CHOSEN = new Set(['hmac', 'bearer', 'basic'])

function namesOf({ facts, create }: SenderKind): string[] {
  if (CHOSEN.has(facts.name)) return []
  for (const secret of PLACEHOLDER_SECRETS) {
    try {
      return signedHeaders(create({ secrets: [secret], ...PLACEHOLDER }))
    } catch {
      // This sender's secrets have another form.
    }
  }
  return []
}
