import { terminalSafe } from './escape.js'
import type { Paint, Style } from './styles.js'

/** A line of the log, as it is written for programs. */
interface LogLine {
  level: string
  time: string
  msg?: string
  source?: string
  key?: string | null
  attempt?: number
  durationMs?: number
  status?: number
  outcome?: string
  reason?: string
  fix?: string
  err?: { type: string; code?: string; message?: string; stack?: string }
  [fact: string]: unknown
}

const OUTCOMES: Record<string, Style> = {
  executed: 'green',
  recorded: 'green',
  accepted: 'green',
  replayed: 'cyan',
  joined: 'cyan',
  handshake: 'cyan',
  failed: 'red',
  lost: 'red',
  threw: 'red',
  fenced: 'red',
  given_back: 'red',
  unavailable: 'red',
  unreachable: 'red',
}

const LEVELS: Record<string, Style> = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red', fatal: 'red' }

/** Where the text begins that belongs to the line above. */
const INDENT = ' '.repeat(14)

/**
 * Turns a line for programs into one for people. It works on what pino writes, so that a stalled terminal costs lines and
 * never a delivery, as with JSON.
 *
 * @param wholeKeys whether long keys are not shortened
 */
export function prettyPrinter(paint: Paint, wholeKeys: boolean): (json: string) => string {
  const shownKey = (key: string) => (wholeKeys ? oneLine(key) : shortened(oneLine(key)))
  return json => {
    const line = JSON.parse(json) as LogLine
    const {
      level,
      time,
      msg = '',
      source,
      key,
      attempt,
      durationMs,
      status,
      outcome,
      reason,
      fix,
      err,
      ...facts
    } = line
    const clock = paint('dim', clockTime(time))
    const below = [
      ...(err === undefined ? [] : errorLines(err, paint)),
      ...(fix === undefined ? [] : [`${paint('cyan', '→')} ${oneLine(fix)}`]),
    ].map(text => `${INDENT}${text}\n`)
    if (outcome !== undefined && source !== undefined) {
      const columns = [
        clock,
        oneLine(source).padEnd(10),
        (key ? shownKey(key) : '–').padEnd(KEY_LENGTH),
        paint(OUTCOMES[outcome] ?? 'yellow', oneLine(outcome).padEnd(12)),
        status === undefined ? '   ' : String(status),
        durationMs === undefined ? '' : paint('dim', `${durationMs.toFixed(1)} ms`.padStart(10)),
        attempt === undefined ? '' : `attempt ${attempt}`,
      ]
      return `${columns.join('  ').trimEnd()}\n${below.join('')}`
    }
    const shown = { source, key: key ? shownKey(key) : undefined, attempt, durationMs, ...facts }
    const told = Object.entries(shown).filter(([, value]) => value !== undefined)
    const said = reason === undefined ? msg : `${msg}: ${reason}`
    const columns = [
      clock,
      paint(LEVELS[level] ?? 'red', level.padEnd(5)),
      oneLine(said),
      paint('dim', told.map(([name, value]) => `${name}=${shownFact(value)}`).join(' ')),
    ]
    return `${columns.join('  ').trimEnd()}\n${below.join('')}`
  }
}

/** In the time zone of the process. */
function clockTime(time: string): string {
  const date = new Date(time)
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${date.toTimeString().slice(0, 8)}.${ms}`
}

const KEY_LENGTH = 20

/** Ids of one sender begin alike: more is kept of the end. */
function shortened(key: string): string {
  return key.length <= KEY_LENGTH ? key : `${key.slice(0, 8)}…${key.slice(-11)}`
}

/** Text that cannot pass for a line of its own. */
const oneLine = (text: string): string => terminalSafe(text.replace(/\s+/g, ' '))

function shownFact(value: unknown): string {
  return oneLine(typeof value === 'string' && !/\s|^$/.test(value) ? value : JSON.stringify(value))
}

function errorLines({ type, code, message, stack }: NonNullable<LogLine['err']>, paint: Paint): string[] {
  const title = [type, message].filter(part => part !== undefined && part !== '').join(': ')
  const frames = (stack ?? '').split('\n').filter(frame => frame !== '')
  const coded = code === undefined || title.includes(code) ? '' : ` (${oneLine(String(code))})`
  return [paint('red', oneLine(title) + coded), ...frames.map(frame => paint('dim', `  ${oneLine(frame).trim()}`))]
}
