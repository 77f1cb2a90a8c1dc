import { readFileSync } from 'node:fs'
import { Delivery, InvalidKeyError } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import { StartError } from '../config/start-error.js'
import { diagnose, type Finding } from '../journal/diagnosis.js'
import { eventTypeOf } from '../journal/event-index.js'
import { terminalSafe, terminalSafeJson } from '../observability/escape.js'
import { senderWithSecret } from './sender-options.js'
import type { VerifyOptions } from './verify-options.js'

interface Verdict {
  verified: boolean
  /** Of what is verified. */
  key?: string | null
  label?: string | null
  type?: string | null
  /** Why a verified event is refused all the same. */
  invalid?: string
  findings: Finding[]
}

/**
 * Says whether a delivery is its sender's, and if not, why.
 *
 * @returns the exit code: 0 if it is
 * @throws {StartError}
 */
export function verify(options: VerifyOptions, env: NodeJS.ProcessEnv): 0 | 1 {
  const delivery = deliveryOf(options)
  const { sender, otherSchemes } = senderWithSecret(options, env)
  const verdict = verdictOn(delivery, sender, otherSchemes, options.at ?? Date.now())
  console.log(
    options.json ? terminalSafeJson(JSON.stringify(verdict)) : terminalSafe(linesOf(verdict, options).join('\n')),
  )
  return verdict.verified && verdict.invalid === undefined ? 0 : 1
}

function verdictOn(delivery: Delivery, sender: Sender, otherSchemes: () => Sender[], at: number): Verdict {
  if (sender.verify(delivery, at) !== null) {
    const sources = new Map([['default', { options: { sender }, otherSchemes }]])
    return { verified: false, findings: diagnose(sources, 'default', delivery, at) }
  }
  const names = { label: sender.label?.(delivery) ?? null, type: eventTypeOf(sender, delivery) }
  try {
    return { verified: true, key: sender.key(delivery), ...names, findings: [] }
  } catch (error) {
    if (!(error instanceof InvalidKeyError)) throw error
    return { verified: true, ...names, invalid: error.message, findings: [] }
  }
}

function linesOf({ verified, key, label, type, invalid, findings }: Verdict, { sender }: VerifyOptions): string[] {
  if (!verified) return [`not verified as ${sender}`, ...findings.map(({ text }) => `→ ${text}`)]
  const facts = { key, label, type }
  return [
    `verified: signed by ${sender} with this secret`,
    ...Object.entries(facts).flatMap(([name, value]) => (value == null ? [] : [`${name.padEnd(6)}${value}`])),
    ...(invalid === undefined ? [] : [`→ it is answered 400 all the same: ${invalid}`]),
  ]
}

const REQUEST_LINE = /^([A-Z]{1,20}) (\S+) HTTP\/\d/

/** @throws {StartError} a file cannot be read, or a line is no header */
function deliveryOf({ headers: file, body, path }: VerifyOptions): Delivery {
  const [first = '', ...rest] = read('headers', file).toString('latin1').split(/\r?\n/)
  const [, method = 'POST', target = '/'] = REQUEST_LINE.exec(first) ?? []
  const lines = REQUEST_LINE.test(first) ? rest : [first, ...rest]
  const headers = lines
    .filter(line => line.trim() !== '')
    .map((line, i) => {
      const colon = line.indexOf(':')
      if (colon < 1) throw new StartError(`--headers: line ${i + 1} of the headers in ${file} is not \`Name: value\``)
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const
    })
  const bytes = body === undefined ? new Uint8Array() : read('body', body)
  return new Delivery({ method, url: path ?? target, headers, body: bytes, requestId: null })
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new StartError(`--${option} ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}
