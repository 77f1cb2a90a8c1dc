import { setTimeout as sleep } from 'node:timers/promises'
import { readSecret } from '../../config/environment.js'
import { SETTINGS } from '../../config/settings.js'
import { StartError } from '../../config/start-error.js'
import { type AnsweredDelivery, isProblem } from '../../observability/activity/source-activity.js'
import { terminalSafe, terminalSafeJson } from '../../observability/escape.js'
import { prettyPrinter } from '../../observability/pretty.js'
import { stylesFor } from '../../observability/styles.js'
import { eventsIn } from './event-stream.js'
import type { TailOptions } from './options.js'

const RETRY_MS = 1_000

/** Prints deliveries until the process is told to stop. @throws {StartError} the server refuses */
export async function tail(options: TailOptions, env: NodeJS.ProcessEnv): Promise<never> {
  const token = readSecret(env, SETTINGS.adminToken.env)?.value
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const print = printer(options.json)
  const isWanted = (delivery: AnsweredDelivery) =>
    (options.source ?? delivery.source) === delivery.source && (!options.problems || isProblem(delivery))
  // A path behind a proxy is kept.
  const url = new URL('api/stream', options.url.replace(/\/?$/, '/'))
  // `hookonce tail | head` has read enough.
  process.stdout.once('error', () => process.exit())
  let said = ''
  for (;;) {
    const why = await follow(url, headers, deliveries => {
      said = ''
      for (const delivery of deliveries) if (isWanted(delivery)) print(delivery)
    })
    if (why !== said) process.stderr.write(`hookonce: ${terminalSafe(why)}; trying again\n`)
    said = why
    await sleep(RETRY_MS)
  }
}

/** Resolves with why the stream ended. */
async function follow(
  url: URL,
  headers: Record<string, string>,
  onDeliveries: (deliveries: AnsweredDelivery[]) => void,
): Promise<string> {
  try {
    const response = await fetch(url, { headers })
    if (response.status >= 400 && response.status < 500) throw new StartError(await refusalOf(response, url), 1)
    if (!response.ok || response.body === null) return `${url} answered ${response.status}`
    for await (const { name, data } of eventsIn(response.body)) {
      onDeliveries(name === 'delivery' ? (JSON.parse(data) as AnsweredDelivery[]) : [])
    }
    return `${url.origin} closed the connection`
  } catch (error) {
    if (error instanceof StartError) throw error
    const { message, cause } = error as Error
    return `${url.origin} does not answer (${(cause as NodeJS.ErrnoException | undefined)?.code ?? message})`
  }
}

async function refusalOf(response: Response, url: URL): Promise<string> {
  const { detail } = (await response.json().catch(() => ({}))) as { detail?: string }
  const hint = response.status === 401 ? `set ${SETTINGS.adminToken.env} to its token` : (detail ?? response.statusText)
  return `${url} answered ${response.status}: ${hint}`
}

function printer(json: boolean): (delivery: AnsweredDelivery) => void {
  if (json) return delivery => process.stdout.write(`${terminalSafeJson(JSON.stringify(delivery))}\n`)
  const pretty = prettyPrinter(stylesFor(process.stdout), false)
  return ({ at: time, source, key, outcome, status, ms: durationMs }) =>
    process.stdout.write(pretty(JSON.stringify({ level: 'info', time, source, key, outcome, status, durationMs })))
}
