import { type Bugs, bugsIn, inLibrary } from '../bug.js'

const bug = bugsIn('packages/hookonce/src', ...inLibrary('receiver/receiver'))
const sender = bugsIn('packages/hookonce/src/senders', ...inLibrary('senders/refusals'))

export const receiverBugs: Bugs = [
  bug(
    'payloads that begin alike are one operation',
    'http/fingerprint.ts',
    "hash('sha256', body, 'base64url')",
    "hash('sha256', body.subarray(0, 4), 'base64url')",
  ),
  bug(
    'a key in capitals is another’s',
    'http/idempotency-key.ts',
    '  return key\n}\n\nfunction parseKey',
    '  return key?.toLowerCase() ?? null\n}\n\nfunction parseKey',
  ),
  bug(
    'key headers that disagree are not refused',
    'http/idempotency-key.ts',
    'if (key !== null && key !== found)',
    "if (key === '' && key !== found)",
  ),
  bug('cookies are replayed', 'http/response.ts', "new Set(['date', 'set-cookie'])", "new Set(['date'])"),
  bug(
    'the head of a record is measured in characters',
    'http/response-codec.ts',
    'const headBytes = Buffer.byteLength(head)',
    'const headBytes = head.length',
    ...inLibrary('receiver/receiver'),
  ),
  bug(
    'a body just as large as allowed is not recorded',
    'http/response.ts',
    'rest !== undefined || body.length > maxBytes',
    'rest !== undefined || body.length >= maxBytes',
    ...inLibrary('receiver/receiver', 'adapters/node'),
  ),
  bug(
    'a header that a Connection field names is handed on',
    'http/header-names.ts',
    'return kept.filter(([name]) => !named.has(foldedName(name)))',
    'return kept.filter(([name]) => !named.has(name.toUpperCase()))',
    'packages/server/test/deliveries/handlers/forward.test.ts',
  ),
  bug(
    'a sender may say that it is an attempt',
    'http/header-names.ts',
    "folded.startsWith('x-hookonce-') ||",
    "folded.startsWith('x-hookonce--') ||",
    ...inLibrary('receiver/receiver', 'adapters/node'),
    'packages/server/test/deliveries/handlers/forward.test.ts',
  ),
  bug(
    'a source that is full takes new keys',
    'receiver/source.ts',
    'const full = quota.isFull && checked.key !== null ? await quota.refusal(checked.key) : undefined',
    "const full = quota.isFull && checked.key === '' ? await quota.refusal(checked.key) : undefined",
    ...inLibrary('engine/quota'),
  ),

  sender(
    'an old signature is taken',
    'sender.ts',
    "if (sentAt < now - toleranceMs) return 'timestamp_old'",
    "if (sentAt < 0) return 'timestamp_old'",
  ),
  sender(
    'a signature of the future is taken',
    'sender.ts',
    "return sentAt > now + toleranceMs ? 'timestamp_new' : null",
    'return null',
  ),
  sender(
    'signatures that begin alike are equal',
    'primitives/signing-keys.ts',
    'left.length === right.length && timingSafeEqual(left, right)',
    'left.length === right.length && left.subarray(0, 16).equals(right.subarray(0, 16))',
  ),
  sender(
    'a signed header that is sent twice is taken',
    'primitives/delivery-values.ts',
    'if (only !== undefined) return undefined',
    'if (only !== undefined) continue',
  ),
  sender(
    'an id with a dot may be cut elsewhere',
    'primitives/signed-messages.ts',
    "if (id.includes('.') || timestamp.includes('.')) return null",
    "if (timestamp.includes('.')) return null",
    ...inLibrary('senders/refusals', 'senders/standard-webhooks'),
  ),
  sender(
    'only the first of two secrets counts',
    'sender.ts',
    'for (const key of keys) {',
    'for (const key of keys.slice(0, 1)) {',
    ...inLibrary('senders/source', 'senders/secrets', 'senders/refusals'),
  ),
  sender(
    'an unsigned header is the key',
    'github.ts',
    'key: bodyKey(),',
    "key: delivery => onlyHeader(delivery, 'x-github-delivery') ?? bodyKey()(delivery),",
    ...inLibrary('senders/keys', 'senders/guessed-keys'),
  ),
]
