import type { InboxStats } from '../../../observability/activity/index.js'
import { type Finding, fail, ok, warn } from './finding.js'
import { type ListedFigures, type ListedProcesses, listing, nameOf } from './server-processes.js'
import { shortDuration } from './short-duration.js'

type SourceFigures = ListedFigures['sources'][string]

/** Shares of an hour's deliveries or attempts from which on they are told, and numbers below which they are chance. */
const FAILING = { share: 0.1, least: 1 }
const FAILING_ATTEMPTS = { share: 0.5, least: 3 }
const REFUSED = { share: 0.5, least: 5 }
/** A due delivery waits longer than this for a reason. */
const OVERDUE_MS = 60_000

/** Of each source what is wrong with it, or that nothing is. */
export function sourceFindings(
  { as_of, sources }: ListedFigures,
  inboxes: Record<string, InboxStats>,
  { processes }: ListedProcesses,
): Finding[] {
  const names = new Map(processes.map(process => [process.id, nameOf(process)]))
  return Object.entries(sources).flatMap(([name, source]) => {
    const check = `source ${name}`
    const findings = [
      ...failures(check, name, source),
      ...breaker(check, source, names),
      ...silence(check, source),
      ...inbox(check, name, inboxes[name], Date.parse(as_of!)),
    ]
    return findings.length > 0 ? findings : [ok(check, wellOf(source))]
  })
}

function wellOf({ deliveries, silence: { silent_ms } }: SourceFigures): string {
  const last = silent_ms === null ? 'no delivery is known' : `the last one ${shortDuration(silent_ms)} ago`
  return `deliveries in an hour: ${deliveries}; ${last}`
}

const countIn = (counts: Readonly<Record<string, number | undefined>>, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (counts[name] ?? 0), 0)

const isMuch = (part: number, whole: number, { share, least }: { share: number; least: number }): boolean =>
  part >= least && part / whole >= share

function failures(check: string, name: string, { deliveries, outcomes, attempts }: SourceFigures): Finding[] {
  const findings: Finding[] = []
  const failed = countIn(outcomes, ['failed', 'lost', 'unavailable', 'full'])
  if (isMuch(failed, deliveries, FAILING)) {
    const message = `${failed} of ${deliveries} deliveries failed in an hour`
    findings.push(warn(check, message, `hookonce events list --failed --source ${name}, and the log say why`))
  }
  const ended = countIn(attempts, Object.keys(attempts))
  const vain = ended - (attempts.recorded ?? 0)
  if (isMuch(vain, ended, FAILING_ATTEMPTS)) {
    const message = `${vain} of ${ended} attempts came to no result in an hour`
    findings.push(warn(check, message, `hookonce records list --source ${name} shows their last errors`))
  }
  const refused = countIn(outcomes, ['unauthorized', 'invalid'])
  if (isMuch(refused, deliveries, REFUSED)) {
    const message = `${refused} of ${deliveries} deliveries were refused in an hour`
    findings.push(warn(check, message, `hookonce events list --refused --source ${name} gives the likely reasons`))
  }
  return findings
}

function breaker(check: string, { breaker }: SourceFigures, names: ReadonlyMap<string, string>): Finding[] {
  if (breaker === undefined || breaker.state === 'closed') return []
  if (breaker.state === null) {
    return [warn(check, 'a process does not say whether its circuit breaker is open', 'finish the upgrade')]
  }
  const where = `in ${listing(breaker.processes.map(id => names.get(id) ?? id))}`
  const message = `the circuit breaker is ${breaker.state.replace('_', '-')} since ${breaker.since}, ${where}`
  const finding = breaker.state === 'open' ? fail : warn
  return [finding(check, message, 'start the application that it forwards to; what waits is delivered then')]
}

function silence(check: string, { silence }: SourceFigures): Finding[] {
  const { level, silent_ms, usual_gap_ms } = silence
  if (level !== 'long' && level !== 'very_long') return []
  const usual = `usually at most ${shortDuration(usual_gap_ms!)} between deliveries`
  const finding = level === 'long' ? warn : fail
  const fix = 'see the sender’s console: is the endpoint on, is its URL right? Does DNS or the proxy lead here?'
  return [finding(check, `silent for ${shortDuration(silent_ms!)}; ${usual}`, fix)]
}

function inbox(check: string, name: string, stats: InboxStats | undefined, now: number): Finding[] {
  if (stats === undefined) return []
  const { dead, oldest_due_at } = stats
  if (dead === null)
    return [warn(check, 'what waits in its inbox is not known', 'mend the store, which does not answer')]
  const findings: Finding[] = []
  if (dead > 0) {
    const fix = `mend the cause, then: hookonce records redrive --dead --source ${name} --dry-run`
    findings.push(warn(check, `dead deliveries: ${dead}`, fix))
  }
  const overdueMs = oldest_due_at === null ? 0 : now - Date.parse(oldest_due_at)
  if (overdueMs > OVERDUE_MS) {
    const fix = 'start workers, or raise HOOKONCE_INBOX_CONCURRENCY; if its target is down, start that'
    findings.push(warn(check, `a delivery is overdue for ${shortDuration(overdueMs)}`, fix))
  }
  return findings
}
