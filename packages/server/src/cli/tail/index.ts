import { setTimeout as sleep } from 'node:timers/promises'
import { StartError } from '../../config/start-error.js'
import { type AnsweredDelivery, isProblem } from '../../observability/activity/source-activity.js'
import { terminalSafe, terminalSafeJson } from '../../observability/escape.js'
import { prettyPrinter } from '../../observability/pretty.js'
import { stylesFor } from '../../observability/styles.js'
import { ServerApi, ServerAway } from '../server-api.js'
import { eventsIn } from './event-stream.js'
import type { TailOptions } from './options.js'

const RETRY_MS = 1_000

/** Prints deliveries until the process is told to stop. @throws {StartError} the server refuses */
export async function tail(options: TailOptions, env: NodeJS.ProcessEnv): Promise<never> {
  const api = new ServerApi(options.url, env)
  const print = printer(options.json)
  const isWanted = (delivery: AnsweredDelivery) =>
    (options.source ?? delivery.source) === delivery.source && (!options.problems || isProblem(delivery))
  // `hookonce tail | head` has read enough.
  process.stdout.once('error', () => process.exit())
  let said = ''
  for (;;) {
    const why = await follow(api, deliveries => {
      said = ''
      for (const delivery of deliveries) if (isWanted(delivery)) print(delivery)
    })
    if (why !== said) process.stderr.write(`hookonce: ${terminalSafe(why)}; trying again\n`)
    said = why
    await sleep(RETRY_MS)
  }
}

/** Resolves with why the stream ended. */
async function follow(api: ServerApi, onDeliveries: (deliveries: AnsweredDelivery[]) => void): Promise<string> {
  try {
    const { body } = await api.request('api/stream')
    for await (const { name, data } of eventsIn(body!)) {
      onDeliveries(name === 'delivery' ? (JSON.parse(data) as AnsweredDelivery[]) : [])
    }
    return `${api.origin} closed the connection`
  } catch (error) {
    if (error instanceof ServerAway) return error.message
    if (error instanceof StartError) throw error
    return `${api.origin} closed the connection`
  }
}

function printer(json: boolean): (delivery: AnsweredDelivery) => void {
  if (json) return delivery => process.stdout.write(`${terminalSafeJson(JSON.stringify(delivery))}\n`)
  const pretty = prettyPrinter(stylesFor(process.stdout), false)
  return ({ at: time, source, key, outcome, status, ms: durationMs }) =>
    process.stdout.write(pretty(JSON.stringify({ level: 'info', time, source, key, outcome, status, durationMs })))
}
