import { SENDERS } from 'hookonce/senders'
import type { Choices } from './choices.js'

const STORE_LINES: Record<Choices['store'], readonly string[]> = {
  sqlite: [
    '// Keys, results and accepted deliveries are kept in a file on this machine.',
    "storeUrl: 'sqlite:./data/hookonce.db',",
  ],
  redis: [
    '// Keys, results and accepted deliveries are kept in Redis, which processes on several machines may share.',
    "storeUrl: process.env.REDIS_URL || 'redis://localhost:6379',",
  ],
  postgres: [
    '// Keys, results and accepted deliveries are kept in Postgres, which processes on several machines may share.',
    "storeUrl: process.env.DATABASE_URL || 'postgres://localhost:5432/hookonce',",
  ],
  memory: ['// Everything is forgotten when the process ends: for a trial.', "storeUrl: 'memory:',"],
}

const MODE_LINES: Record<Choices['mode'], readonly string[]> = {
  inline: [
    "// A delivery is answered with its result. 'inbox': it is acknowledged at once and worked on until it succeeds.",
    "mode: 'inline',",
  ],
  inbox: [
    "// A delivery is acknowledged at once and worked on until it succeeds. 'inline': it is answered with its result.",
    "mode: 'inbox',",
  ],
}

/** An option of a sender's function, and the variable that holds it. */
interface SenderOption {
  name: string
  isList: boolean
  variable: string
  /** Where it is found. */
  where: string
}

/** The option for secrets, where it has another name. */
const SECRETS: Record<string, [option: string, variable: string]> = {
  basic: ['credentials', 'CREDENTIALS'],
  bearer: ['tokens', 'TOKEN'],
  discord: ['publicKeys', 'PUBLIC_KEY'],
  'discord-events': ['publicKeys', 'PUBLIC_KEY'],
  sendgrid: ['publicKeys', 'PUBLIC_KEY'],
}

/** Senders that sign the URL. */
const SIGN_URL = ['hubspot', 'square', 'twilio']

export function senderOptions(sender: string): SenderOption[] {
  const prefix = sender.toUpperCase().replaceAll('-', '_')
  const [option, variable] = SECRETS[sender] ?? ['secrets', 'SECRET']
  const { secret } = SENDERS.get(sender)!.facts
  const options = [{ name: option, isList: true, variable: `${prefix}_${variable}`, where: secret }]
  if (SIGN_URL.includes(sender)) {
    const where = 'the public URL of this source, letter for letter as the sender was told'
    options.push({ name: 'url', isList: false, variable: `${prefix}_URL`, where })
  }
  if (sender === 'meta') {
    const where = 'a word of your own, which you type in beside the callback URL'
    options.push({ name: 'verifyToken', isList: false, variable: 'META_VERIFY_TOKEN', where })
  }
  return options
}

/** A config file. It is TypeScript as well as JavaScript. */
export function configText(choices: Choices): string {
  const { senders, store, forward } = choices
  const imports = [
    forward === undefined ? 'acknowledge' : 'forward',
    'defineConfig',
    ...(senders.length > 0 ? ['env'] : []),
  ]
  const lines = [
    `import { ${imports.sort().join(', ')} } from '@hookonce/server'`,
    ...senders.map(sender => `import { ${functionOf(sender)} } from 'hookonce/senders/${sender}'`),
    '',
    '// npx hookonce starts with this file; npx hookonce doctor checks it; npx hookonce --help lists every setting.',
    'export default defineConfig({',
    ...indented(1, STORE_LINES[store]),
    '',
    '  sources: {',
    ...(senders.length === 0
      ? sourceOfAnybody(choices)
      : senders.flatMap((name, i) => [...(i > 0 ? [''] : []), ...sourceOf(name, choices)])),
    '  },',
    '})',
  ]
  return `${lines.join('\n')}\n`
}

function sourceOfAnybody(choices: Choices): string[] {
  return [
    '    // POST /webhook. Anybody may deliver; the key is in X-Idempotency-Key or Idempotency-Key.',
    '    default: {',
    ...indented(3, [...MODE_LINES[choices.mode], ...handleLines(choices)]),
    '    },',
  ]
}

function sourceOf(sender: string, choices: Choices): string[] {
  const { title } = SENDERS.get(sender)!.facts
  const options = senderOptions(sender)
  const given = options.map(({ name, isList, variable }) => {
    const value = `env('${variable}')`
    return `${name}: ${isList ? `[${value}]` : value}`
  })
  return [
    `    // ${title} delivers to POST /hooks/${sender}. What it did not sign is answered 401.`,
    `    ${sender.includes('-') ? `'${sender}'` : sender}: {`,
    ...indented(3, [
      ...options.map(({ variable, where }) => `// ${variable}: ${where}.`),
      `sender: ${functionOf(sender)}({ ${given.join(', ')} }),`,
      ...MODE_LINES[choices.mode],
      ...handleLines(choices),
    ]),
    '    },',
  ]
}

function handleLines({ forward }: Choices): string[] {
  if (forward !== undefined) {
    return [
      '// A 2xx answer is recorded; anything else gives the key back for a retry.',
      `handle: forward(${literal(forward)}),`,
    ]
  }
  return [
    "// Nothing is done with a delivery yet. To have it done by an application: forward('http://localhost:3000/hooks');",
    '// here: delivery => Response.json({ id: delivery.json().id })',
    'handle: acknowledge(),',
  ]
}

const functionOf = (sender: string): string => sender.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

const literal = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`

const indented = (depth: number, lines: readonly string[]): string[] => lines.map(line => '  '.repeat(depth) + line)
