import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { StartError } from '../../config/start-error.js'
import { stylesFor } from '../../observability/styles.js'
import { type Attempt, Ledger } from './ledger.js'
import { type ReceiverProcess, Stage } from './processes.js'
import { DATABASE_FILE, LEASE_SECONDS, WORK_MS } from './scene.js'
import { deliver } from './sender.js'
import { brokenPromises, type Figures } from './verdict.js'

const DUPLICATES = 100

/** How far into its work the attempt is whose process is killed: on a starved machine this process may be late. */
const KILL_AFTER_MS = WORK_MS / 4

/** An attempt begins within milliseconds, on a starved machine within seconds. */
const BEGIN_TIMEOUT_MS = 30_000

const paint = stylesFor(process.stdout)

/**
 * Shows duplicates and a crash on real processes. At a terminal it stays until Ctrl+C, with a dashboard.
 *
 * @returns the exit code: 0 if one result was recorded for each event
 * @throws {StartError} a process did not start
 */
export async function demo(): Promise<0 | 1> {
  const stage = new Stage()
  process.on('exit', () => stage.clear())
  let onSignal = (signal: (typeof SIGNALS)[number]): void => process.exit(128 + constants.signals[signal])
  for (const signal of SIGNALS) process.on(signal, () => onSignal(signal))
  const token = randomBytes(16).toString('hex')
  try {
    const held = await show(stage, token)
    if (held && process.stdout.isTTY) {
      say('Ctrl+C ends it and removes everything.')
      await new Promise<void>(resolve => {
        onSignal = () => resolve()
      })
    }
    return held ? 0 : 1
  } finally {
    await stage.end()
  }
}

/** Returns whether the promise held. */
async function show(stage: Stage, token: string): Promise<boolean> {
  say(`Two receivers share ${DATABASE_FILE} in ${stage.folder}, each with an application that charges cards.`)
  say('It commits a charge and its result in one transaction.')
  const [first, second] = await Promise.all([stage.start(token), stage.start(token)])
  const ledger = new Ledger(stage.folder)
  const faults = [...(await duplicates(first, ledger)), ...(await crash(first, second, ledger))]
  say('')
  if (faults.length > 0) {
    say(paint('red', `The promise did not hold: ${faults.join('; ')}.`))
    return false
  }
  say(paint('green', 'The promise held: one result for each event, and every duplicate got that same answer.'))
  if (process.stdout.isTTY) {
    say('')
    say(`Look at it: ${second.url.replace('127.0.0.1', 'localhost')}/dashboard#token=${token}`)
  }
  return true
}

async function duplicates({ url }: ReceiverProcess, ledger: Ledger): Promise<string[]> {
  const key = 'evt_duplicates'
  heading(`1. One event, delivered ${DUPLICATES} times at once`)
  const begunAt = performance.now()
  const answers = await Promise.all(Array.from({ length: DUPLICATES }, () => deliver(url, key)))
  const figures = { answers, attempts: ledger.attemptsOf(key), charges: await ledger.chargesOf(key) }
  detail(`${told(figures)} in ${seconds(performance.now() - begunAt)}`)
  return brokenPromises(figures, 1)
}

async function crash(first: ReceiverProcess, second: ReceiverProcess, ledger: Ledger): Promise<string[]> {
  const key = 'evt_crash'
  heading('2. The process dies in the middle of an attempt')
  const unanswered = deliver(first.url, key).then(
    () => ['the killed process had answered'],
    () => [],
  )
  const { begunAt } = await begun(ledger, key)
  await setTimeout(Math.max(0, begunAt + KILL_AFTER_MS - Date.now()))
  const killedAt = Date.now()
  await first.kill()
  detail(`process ${first.pid} was killed (SIGKILL) ${killedAt - begunAt} ms into attempt 1, before its charge`)
  detail(
    `the sender delivers again, to process ${second.pid}, which waits until the lease of the dead one is over (${LEASE_SECONDS} s)`,
  )
  const answers = [await deliver(second.url, key)]
  answers.push(await deliver(second.url, key))
  const attempts = ledger.attemptsOf(key)
  const takenOver = attempts[1]
  if (takenOver !== undefined)
    detail(`attempt ${takenOver.number} took over ${takenOver.begunAt - killedAt} ms after the kill`)
  const figures = { answers, attempts, charges: await ledger.chargesOf(key) }
  detail(`${told(figures)} after ${attempts.length} attempts`)
  return [...(await unanswered), ...brokenPromises(figures, 2)]
}

function told({ answers, charges }: Figures): string {
  const replays = answers.filter(({ isReplay }) => isReplay).length
  return [counted(answers.length, 'delivery', 'deliveries'), counted(charges, 'charge'), counted(replays, 'replay')]
    .map(figure => paint('bold', figure))
    .join(', ')
}

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

async function begun(ledger: Ledger, key: string): Promise<Attempt> {
  const deadline = performance.now() + BEGIN_TIMEOUT_MS
  for (;;) {
    const [attempt] = ledger.attemptsOf(key)
    if (attempt !== undefined) return attempt
    if (performance.now() > deadline) throw new StartError('demo: the attempt did not begin', 1)
    await setTimeout(5)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const heading = (line: string): void => say(`\n${paint('bold', line)}`)
const detail = (line: string): void => say(`   ${line}`)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
