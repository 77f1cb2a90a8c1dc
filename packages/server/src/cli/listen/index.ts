import { setTimeout as sleep } from 'node:timers/promises'
import { StartError } from '../../config/start-error.js'
import { terminalSafe, terminalSafeJson } from '../../observability/escape.js'
import { prettyPrinter } from '../../observability/pretty.js'
import { stylesFor } from '../../observability/styles.js'
import { ServerApi, ServerAway } from '../server-api.js'
import { Application, bodyOf } from './application.js'
import { type Copied, Feed } from './feed.js'
import { type Positions, readPositions, recordCopy, writePositions } from './files.js'
import type { ListenOptions } from './options.js'

const POLL_MS = 1_000

/** Copies deliveries until the process is told to stop, or with `once` until all are copied. @throws {StartError} */
export async function listen(options: ListenOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const api = new ServerApi(options.from, env)
  const positions = options.state === undefined ? {} : await readPositions(options.state)
  const say = sayOnChange()
  const feeds = await untilItAnswers(say, () => openFeeds(api, options, positions[api.origin]))
  const application =
    options.forwardTo === undefined ? undefined : new Application(options.forwardTo, why => say(`${why}; trying again`))
  const print = printer(options.json)
  const save = async () => {
    if (options.state === undefined) return
    const own = Object.fromEntries(feeds.map(({ source, position }) => [source, position]))
    positions[api.origin] = { ...positions[api.origin], ...own }
    await writePositions(options.state, positions)
  }
  // `hookonce listen | head` has read enough.
  process.stdout.once('error', () => process.exit())
  for (;;) {
    for (const feed of feeds) {
      await untilItAnswers(say, async () => {
        for await (const copied of feed.fresh()) {
          if (isWanted(copied, options)) print(copied, await copy(copied, application, options))
          say('')
          feed.copied(copied)
          await save()
        }
      })
    }
    await save()
    if (options.once) return
    await sleep(POLL_MS)
  }
}

async function openFeeds(
  api: ServerApi,
  { source, since }: ListenOptions,
  known: Positions[string] = {},
): Promise<Feed[]> {
  const names =
    source === undefined ? (await api.get<{ name: string }[]>('api/sources')).map(({ name }) => name) : [source]
  const feeds: Feed[] = []
  for (const name of names) {
    const feed = new Feed(api, name, known[name])
    const kept = await feed.kept()
    process.stderr.write(`${terminalSafe(name)}: ${KEPT[kept]}\n`)
    if (kept === 'none') continue
    await feed.begin(since)
    feeds.push(feed)
  }
  if (feeds.length === 0)
    throw new StartError('there is nothing to copy: set HOOKONCE_RECORD_DELIVERY=all at the server', 1)
  return feeds
}

const KEPT = {
  accepted: 'what its inbox accepted is copied',
  all: 'each delivery is copied',
  failed: 'what failed is copied; with HOOKONCE_RECORD_DELIVERY=all at the server everything is',
  none: 'nothing is kept there, and nothing copied',
}

const isWanted = ({ delivery }: Copied, { contains }: ListenOptions): boolean =>
  contains === undefined || bodyOf(delivery).includes(contains)

/** What became of a copy: the status that it was answered, or why it is none. */
type Fate = { status: number; ms: number } | { skipped: string } | undefined

async function copy(copied: Copied, application: Application | undefined, { record }: ListenOptions): Promise<Fate> {
  if (copied.delivery.body === null) return { skipped: 'its source hides bodies' }
  if (!copied.whole) return { skipped: 'its body is not kept as it came' }
  if (record !== undefined) await recordCopy(record, copied)
  return application?.send(copied)
}

async function untilItAnswers<T>(say: (why: string) => void, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ServerAway)) throw error
      say(`${error.message}; trying again`)
    }
    await sleep(POLL_MS)
  }
}

/** Says the same only once; nothing is said for the empty text. */
function sayOnChange(): (why: string) => void {
  let said = ''
  return why => {
    if (why !== said && why !== '') process.stderr.write(`hookonce: ${terminalSafe(why)}\n`)
    said = why
  }
}

function printer(json: boolean): (copied: Copied, fate: Fate) => void {
  if (json) {
    return (copied, fate) =>
      process.stdout.write(`${terminalSafeJson(JSON.stringify({ ...copied, copy: fate ?? null }))}\n`)
  }
  const pretty = prettyPrinter(stylesFor(process.stdout), false)
  return ({ at: time, source, key, outcome }, fate) => {
    const told =
      fate === undefined ? { outcome } : 'skipped' in fate ? { outcome: 'skipped', fix: fate.skipped } : answered(fate)
    process.stdout.write(pretty(JSON.stringify({ level: 'info', time, source, key, ...told })))
  }
}

const answered = ({ status, ms }: { status: number; ms: number }) => ({
  outcome: status < 300 ? 'copied' : 'refused',
  status,
  durationMs: ms,
})
