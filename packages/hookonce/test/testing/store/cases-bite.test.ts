import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  LOST_ERROR,
  lostError,
  MAX_ERROR_LENGTH,
  MOST_COUNTED,
  NEVER,
  type Store,
  StoreError,
  systemClock,
} from 'hookonce'
import { storeCases } from 'hookonce/testing/store'
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript'
import { expect, test } from 'vitest'

const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2023 }
const compiled = (code: string): string => transpileModule(code, { compilerOptions }).outputText

/** The compiled memory store as one script: what a bug is seeded into. */
const PARTS = ['time-queue', 'due-queue', 'records', 'record', 'index']
const source = ['util/options', 'stores/rules', 'stores/history', ...PARTS.map(part => `stores/memory/${part}`)]
  .map(file => compiled(readFileSync(new URL(`../../../src/${file}.ts`, import.meta.url), 'utf8')))
  .join('\n')
  .replace(/^(import|export .* from) .*$/gm, '')
  .replace(/^export /gm, '')

const globals = { systemClock, MOST_COUNTED, StoreError, MAX_ERROR_LENGTH, NEVER, LOST_ERROR, lostError }

function storeFrom(script: string): () => Store {
  return new Function(...Object.keys(globals), `${script}\nreturn memoryStore`)(...Object.values(globals))
}

/** Replaces the first `find` after `where`. */
function seed(where: string, find: string, replacement: string): () => Store {
  const from = source.indexOf(where)
  const at = source.indexOf(find, from)
  assert.ok(from >= 0 && at >= 0, `the memory store no longer has "${find}" after "${where}"`)
  return storeFrom(source.slice(0, at) + replacement + source.slice(at + find.length))
}

const cases = storeCases.filter(({ needs }) => !needs || needs === 'inbox' || needs === 'groups')

/** Most bugs are found by an early case; those that make cases wait in vain are found by another one of the same lot. */
const CHUNK = 16

/** The name of a case that fails, or `undefined` when all pass. */
async function failingCase(makeStore: () => Store): Promise<string | undefined> {
  for (let first = 0; first < cases.length; first += CHUNK) {
    const failures = cases.slice(first, first + CHUNK).map(async each => {
      const store = makeStore()
      const failed = await each.run({ open: async () => store }).then(
        () => false,
        () => true,
      )
      return failed ? each : Promise.reject(each)
    })
    const found = await Promise.any(failures).catch(() => undefined)
    if (found !== undefined) {
      // What found one bug is likely to find the next, which is much like it.
      cases.unshift(...cases.splice(cases.indexOf(found), 1))
      return found.name
    }
  }
  return undefined
}

/** Operations, in index.ts. */
const CLAIM = 'async claim('
const RENEW = 'async renew('
const COMPLETE = 'async complete('
const FAIL = 'async fail('
const DELETE = 'async delete('
const LIST = 'async list('
const ACCEPT = 'async accept('
const TAKE = 'async claimDue('
const REDRIVE = 'async redrive('
/** What they change, in record.ts. */
const RECORD = 'class MemoryRecord'
const START = '    start(attempt, now'
const LEASE = '    extendLease(leaseMs, now)'
const LOSE = '    lose()'
const FAILURE = '    fail({ error, outcome }, next, now)'
const SETTLE = '    #settle(state, now)'
const ROUND = '    redrive(now)'
/** In rules.ts. */
const CLAIM_RULE = 'function decideClaim('
const ACCEPT_RULE = 'function decideAccept('
const COMPLETE_RULE = 'function decideComplete('
const FAIL_RULE = 'function decideFail('
const REDRIVE_RULE = 'function decideRedrive('
const LOSSES = 'function lossesOf('
const EXPIRY = 'function expiryOf('
/** In records.ts. */
const RECORDS = 'class Records'
const SWEEP = '    sweep(now) {'
const PURGE = '    purge(limit, now) {'
const USAGE = '    usage(scope, now) {'
const DEAD = '    countDead(scope, now) {'
const NAME = 'function nameOf('
/** biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the store */
const JOINED = '`${scope.length}:${scope}${key}`'
/** In due-queue.ts. */
const QUEUE = 'class DueQueue'
const BACKLOG = '    backlog(scope, now) {'

const MISMATCH = "if (differ(record.fingerprint, request.fingerprint))\n        return 'mismatch';"
const REPEATED = "record.state === 'running' && record.leaseId === request.leaseId"
const MAY_COMPLETE = "return record.state === 'running' ? undefined : 'fenced'"
const HOLDER_CHECK = 'record?.leaseId !== leaseId'

const bugs: Record<string, [where: string, find: string, replacement: string]> = {
  'an expired record stands': [RECORDS, 'now < record.expiresAt', 'true'],
  'a fingerprint that is not known is compared: of the record': ['function differ(', 'one !== null &&', ''],
  'a fingerprint that is not known is compared: of the request': ['function differ(', 'other !== null &&', ''],
  'a live lease is over': ['function remainingLease(', "state === 'running' ?", 'false ?'],
  'a settled record shows a lease': ['function remainingLease(', "state === 'running'", 'true'],
  'a lease ends 5 ms early': ['function remainingLease(', 'leaseEndsAt - now', 'leaseEndsAt - now - 5'],
  'claim: not atomic': [CLAIM, 'records.find(request, now);', 'records.find(request, now); await null;'],
  'claim: fingerprints not compared': [CLAIM_RULE, MISMATCH, ''],
  'claim: mismatch only after completed': [CLAIM_RULE, 'if (differ(', "if (record.state !== 'completed' && differ("],
  'claim: mismatch only while running': [CLAIM_RULE, 'if (differ(', "if (record.state === 'running' && differ("],
  'claim: mismatch only after the repeated claim': [
    CLAIM_RULE,
    'if (differ(',
    'if (record.leaseId !== request.leaseId && differ(',
  ],
  'claim: a completed record is taken again': [CLAIM_RULE, "record.state === 'completed'", 'false'],
  'claim: a repeated claim finds itself running': [CLAIM_RULE, REPEATED, 'false'],
  'claim: a repeated claim is refused once its lease is over': [
    CLAIM_RULE,
    REPEATED,
    `${REPEATED} && remainingLease(record, now) > 0`,
  ],
  'claim: a repeated claim prolongs the lease': [
    CLAIM,
    "case 'acquired':",
    "case 'acquired': record.extendLease(request.leaseMs, now);",
  ],
  'claim: a repeated claim gets a new token': [
    CLAIM,
    "case 'acquired':",
    "case 'acquired': record.fencingToken = issueToken(now);",
  ],
  'claim: a repeated claim shows a takeover': [
    CLAIM,
    "case 'acquired':\n                    return record.acquired(false)",
    "case 'acquired': return record.acquired(true)",
  ],
  'claim: a takeover is not shown': [CLAIM, 'record.acquired(tookOver)', 'record.acquired(false)'],
  'claim: every further attempt is a takeover': [CLAIM, 'record.acquired(tookOver)', 'record.acquired(true)'],
  'claim: a lost attempt is not written down': [CLAIM, 'if (tookOver)', 'if (false)'],
  'claim: a failure is written down as a loss': [CLAIM, 'if (tookOver)', 'if (true)'],
  'claim: a live lease is taken over': [CLAIM_RULE, 'remainingLease(record, now) > 0', 'false'],
  'claim: a lease that is over still holds': [
    CLAIM_RULE,
    'remainingLease(record, now) > 0',
    "record.state === 'running'",
  ],
  'claim: losses not counted': [LOSSES, "(state === 'running' && begun ? 1 : 0)", '0'],
  'claim: failures counted as losses': [LOSSES, "(state === 'running' && begun ? 1 : 0)", '1'],
  'claim: an attempt that had not begun counts as a loss': [LOSSES, ' && begun', ''],
  'claim: one loss too many': [
    CLAIM_RULE,
    'lossesOf(record) >= request.maxLosses',
    'lossesOf(record) > request.maxLosses',
  ],
  'claim: exhausted before running': [
    CLAIM_RULE,
    'if (remainingLease',
    "if (record.losses >= request.maxLosses) return 'exhausted'; if (remainingLease",
  ],
  'claim: exhausted writes the loss': [
    CLAIM,
    "case 'exhausted':",
    "case 'exhausted': record.losses = lossesOf(record);",
  ],
  'claim: a dead record is taken': [CLAIM_RULE, "record.state === 'dead'", 'false'],
  'claim: the result is not a copy': [CLAIM, 'copyOf(record.result)', 'record.result'],
  'claim: the time of completion is now': [CLAIM, 'completedAt: record.settledAt', 'completedAt: now + 1'],
  'claim: a pending record stays due': [
    CLAIM,
    'record.start(',
    'const { accepted } = record; record.accepted = undefined; record.start(request, now, issueToken(now)); record.accepted = accepted; (',
  ],
  'claim: claimed records are queued too': ['function update(', 'if (record.accepted)', 'if (true)'],
  'lost: losses not kept': [LOSE, 'this.losses++', ''],
  'lost: an attempt that had not begun is a loss': [LOSE, 'if (this.begun)', 'if (true)'],
  'lost: an attempt that had not begun counts in its round': [LOSE, 'this.accepted.earlierAttempts++', ''],
  'lost: the record does not say so': [LOSE, 'this.lastError = lostError(this.attempts)', ''],
  'start: the attempt has not begun': [LEASE, 'this.begun = true', 'this.begun = false'],
  'start: attempts not counted': [START, 'this.attempts++', 'this.attempts = 1'],
  'start: the old lease id stays': [START, 'this.leaseId = attempt.leaseId', ''],
  'start: the old token stays': [START, 'this.fencingToken = fencingToken', ''],
  'start: the old time of claim stays': [START, 'this.claimedAt = now', ''],
  'start: the old lock TTL stays': [
    START,
    'this.lockTtlMs = attempt.lockTtlMs',
    'this.lockTtlMs ||= attempt.lockTtlMs',
  ],
  'start: the old retention stays': [START, 'this.retentionMs = attempt.retentionMs ??', 'this.retentionMs ='],
  'start: the time of settling stays': [START, 'this.settledAt = null', ''],
  'start: the fingerprint is forgotten': [START, 'this.fingerprint ??=', 'this.fingerprint ='],
  'start: the fingerprint is never learnt': [START, 'this.fingerprint ??= attempt.fingerprint ?? null', ''],
  'start: the label is forgotten': [START, 'this.label ??=', 'this.label ='],
  'start: the label is never learnt': [START, 'this.label ??= attempt.label ?? null', ''],
  'the label is not kept': [RECORD, 'this.label = request.label ?? null', 'this.label = null'],
  'a completed record: its label is gone': ['    complete(result', 'this.result =', 'this.label = null; this.result ='],
  'a completed record: what was accepted is gone': [
    '    complete(result',
    'this.result =',
    'this.delivery = undefined; this.result =',
  ],
  'the lease is not bounded by the lock TTL': [
    LEASE,
    'Math.min(now + leaseMs, this.claimedAt + this.lockTtlMs)',
    'now + leaseMs',
  ],
  'a lease is 5 ms shorter than asked': [LEASE, 'now + leaseMs', 'now + leaseMs - 5'],
  'renewals count the lock TTL from now': [LEASE, 'this.claimedAt + this', 'now + this'],
  'a running record expires with its lease': [EXPIRY, 'leaseEndsAt + Math', 'leaseEndsAt + 0 * Math'],
  'a running record is kept for the retention only': [EXPIRY, 'Math.max(lockTtlMs, retentionMs)', 'retentionMs'],
  'a running record is kept for the lock TTL only': [EXPIRY, 'Math.max(lockTtlMs, retentionMs)', 'lockTtlMs'],
  'retention counted from the claim': [SETTLE, 'now + this.retentionMs', 'this.claimedAt + this.retentionMs'],
  'tokens: the same twice in a tick': ['function issueToken', 'lastToken + 1', 'lastToken'],
  'tokens: behind the clock': ['function issueToken', 'now * 1000', '0'],
  'tokens: not rising over deletion': [DELETE, "return 'deleted'", "lastToken = 0; return 'deleted'"],
  'renew: holder not checked': [RENEW, HOLDER_CHECK, 'record === undefined'],
  'renew: a lease that is over is renewed': [RENEW, 'remainingLease(record, now) === 0', "record.state !== 'running'"],
  'renew: does nothing': [RENEW, 'record.extendLease(leaseMs, now)', ''],
  'renew: the attempt has not begun': [
    RENEW,
    'record.extendLease(leaseMs, now)',
    'const { begun } = record; record.extendLease(leaseMs, now); record.begun = begun',
  ],
  'renew: prolongs from the end of the lease': [
    RENEW,
    'record.extendLease(leaseMs, now)',
    'record.extendLease(leaseMs, record.leaseEndsAt)',
  ],
  'renew: the record is due at the old time': [RENEW, 'update(record)', ''],
  'complete: fence removed': [COMPLETE_RULE, HOLDER_CHECK, 'record === undefined'],
  'complete: a failed attempt may still complete': [
    COMPLETE_RULE,
    MAY_COMPLETE,
    "return record.state !== 'pending' ? undefined : 'fenced'",
  ],
  'complete: a pending record may complete': [
    COMPLETE_RULE,
    MAY_COMPLETE,
    "return record.state !== 'failed' ? undefined : 'fenced'",
  ],
  'complete: a late result is refused': [
    COMPLETE,
    "decision === 'fenced'",
    "decision === 'fenced' || now >= record.leaseEndsAt",
  ],
  'complete: a repeated completion is refused': [COMPLETE_RULE, "return 'completed'", "return 'fenced'"],
  'complete: a repeated completion overwrites': [COMPLETE_RULE, "return 'completed'", 'return undefined'],
  'complete: not atomic': [COMPLETE, 'record.complete(', 'await null; record.complete('],
  'complete: the whole buffer is kept': ['    complete(result', 'ownCopyOf(result)', 'new Uint8Array(result.buffer)'],
  'complete: the result goes through text': [
    '    complete(result',
    'ownCopyOf(result)',
    'Buffer.from(Buffer.from(result).toString())',
  ],
  "complete: the result stays the caller's": ['    complete(result', 'ownCopyOf(result)', 'result'],
  'complete: the time in the answer is not the one kept': [
    COMPLETE,
    'completedAt: record.settledAt',
    'completedAt: record.settledAt + 1',
  ],
  'complete: still due': [
    '    complete(result',
    "this.#settle('completed', now)",
    "const dueAt = this.accepted?.dueAt; this.#settle('completed', now); if (this.accepted) this.accepted.dueAt = dueAt",
  ],
  'fail: fence removed': [FAIL_RULE, HOLDER_CHECK, 'record === undefined'],
  'fail: a completed attempt may still fail': [
    FAIL_RULE,
    "return record.state === 'running' ?",
    "return record.state !== 'pending' ?",
  ],
  'fail: a pending record may fail': [
    FAIL_RULE,
    "return record.state === 'running' ?",
    "return record.state !== 'completed' ?",
  ],
  'fail: a late failure is refused': [
    FAIL,
    'if (decision !== undefined)',
    "if (now >= record?.leaseEndsAt) return 'fenced'; if (decision !== undefined)",
  ],
  'fail: a repeated failure is refused': [FAIL_RULE, "return 'failed'", "return 'fenced'"],
  'fail: a repeated failure prolongs the retention': [FAIL_RULE, "return 'failed'", 'return undefined'],
  'fail: the error is not cut': [FAILURE, 'error.slice(0, MAX_ERROR_LENGTH)', 'error'],
  'fail: the error is not kept': [FAILURE, 'error.slice(0, MAX_ERROR_LENGTH)', 'null'],
  'fail: an accepted record expires': [FAILURE, 'this.expiresAt = NEVER', ''],
  'fail: an attempt that had not begun counts in its round': [FAILURE, 'if (next.notBegun)', 'if (false)'],
  'fail: due at once, whatever is asked for': [FAILURE, 'now + next.dueInMs', 'now'],
  'fail: dead ones are due': [FAILURE, "|| next === 'dead'", "|| (next === 'dead' && (this.accepted.dueAt = now))"],
  'fail: dead is failed': [FAILURE, "this.accepted && next === 'dead' ?", 'false ?'],
  'fail: dead ones stay for ever': [
    FAILURE,
    'if (this.accepted === undefined',
    "if (this.state === 'dead') this.expiresAt = NEVER; if (this.accepted === undefined",
  ],
  'delete: a running record goes without force': [DELETE, '&& !force', '&& false'],
  'delete: an abandoned record needs force': [DELETE, 'remainingLease(record, now) > 0', "record.state === 'running'"],
  'delete: force refused': [DELETE, '&& !force', ''],
  'delete: the record stays': [DELETE, 'records.remove(record)', ''],
  'delete: still due': [DELETE, 'if (record.accepted)', 'if (false)'],
  'get: takes an abandoned record away': [
    'async get(',
    'return record',
    "if (record?.state === 'running' && !remainingLease(record, now)) record.state = 'failed';\nreturn record",
  ],
  'get: the result is not a copy': ['    stored(now)', 'copyOf(result)', 'result'],
  'get: the record itself is handed out': [
    'async get(',
    'return record',
    'if (record && !record.result) return Object.assign(record, { leaseRemainingMs: remainingLease(record, now) });\nreturn record',
  ],
  'accept: fingerprints not compared': [ACCEPT_RULE, MISMATCH, ''],
  'accept: a repeated acceptance is known': [ACCEPT_RULE, 'record.leaseId === request.acceptId', 'false'],
  'accept: everybody is the one who accepted': [ACCEPT_RULE, 'record.leaseId === request.acceptId', 'true'],
  'accept: the delay is forgotten': [RECORD, 'now + request.delayMs', 'now'],
  'accept: what is known is accepted anew': [ACCEPT, 'if (record === undefined)', "if (record?.state !== 'running')"],
  'accept: the delivery is not kept': [RECORD, 'ownCopyOf(request.delivery)', 'new Uint8Array()'],
  "accept: the delivery stays the caller's": [RECORD, 'ownCopyOf(request.delivery)', 'request.delivery'],
  'accept: it expires while it waits': [
    RECORD,
    'this.leaseId = request.acceptId',
    'this.leaseId = request.acceptId; this.expiresAt = now + request.retentionMs',
  ],
  'an accepted record expires while it runs': [LEASE, 'this.accepted ? NEVER', 'false ? NEVER'],
  'claimDue: what is taken has begun': [TAKE, 'record.begun = false', ''],
  'claimDue: a lease ends 5 ms early': [TAKE, 'queue.first(scope, now)', 'queue.first(scope, now + 5)'],
  'claimDue: asked again it takes more': [TAKE, 'if (again)', 'if (false)'],
  'claimDue: asked again it gives what others hold': [TAKE, 'record.leaseId === attempt.leaseId', 'true'],
  'claimDue: asked again it gives what is over': [TAKE, 'remainingLease(record, now) > 0', 'true'],
  'claimDue: failures counted as losses': [TAKE, 'if (tookOver)', 'if (record.attempts > 0)'],
  'claimDue: a takeover is not shown': [TAKE, 'record.dueClaim(tookOver)', 'record.dueClaim(false)'],
  'claimDue: everything is a takeover': [TAKE, 'record.dueClaim(tookOver)', 'record.dueClaim(true)'],
  'claimDue: never dies': [TAKE, 'record.losses >= maxLosses', 'false'],
  'claimDue: dies without a reason': ['    die(error', 'this.lastError = error', ''],
  'claimDue: the lease is not due again': [
    LEASE,
    'this.accepted.dueAt = this.leaseEndsAt',
    'this.accepted.dueAt = null',
  ],
  'claimDue: more than asked': [TAKE, 'taken.length < limit', 'true'],
  'backlog: nothing is ever overdue': [BACKLOG, 'Math.max(0, now -', 'Math.min(0, now -'],
  'backlog: cancelled turns count': ['class TimeQueue', 'this.#heap.length - this.#cancelled', 'this.#heap.length'],
  'backlog: of another scope': [
    BACKLOG,
    'const { turns }',
    '[scope] = [...this.#lines.keys()].reverse();\nconst { turns }',
  ],
  'dead: expired ones count': [DEAD, 'if (now < expiresAt)', 'if (true)'],
  'dead: of another scope': [DEAD, 'this.#dead.get(scope)', '[...this.#dead.values()].at(0)'],
  'dead: what was deleted counts': [
    DELETE,
    'records.remove(record)',
    'const at = record.expiresAt; records.remove(record); record.expiresAt = at; records.update(record)',
  ],
  'dead: what was redriven counts': [RECORDS, "record.state !== 'dead'", 'false'],
  'dead: only the last one counts': [RECORDS, '?? new Set()', '&& new Set() || new Set()'],
  'dead: those of losses do not count': ['    die(error', "this.#settle('dead', now)", "this.#settle('failed', now)"],
  'redrive: whatever its state': [REDRIVE_RULE, "if (state === 'dead')", 'if (true)'],
  'redrive: the dead only': [REDRIVE_RULE, 'return completed ?', 'return false ?'],
  'redrive: the completed unasked': [REDRIVE_RULE, 'return completed ?', 'return true ?'],
  'redrive: what waits is made due unasked': [REDRIVE_RULE, 'return waiting &&', 'return'],
  'redrive: what waits is never made due': [REDRIVE_RULE, 'return waiting &&', 'return false &&'],
  'redrive: what runs is made due': [REDRIVE_RULE, "state !== 'running'", 'true'],
  'redrive: what waits begins a new round': [REDRIVE, "if (decision === 'redriven')", 'if (true)'],
  'redrive: what is due already is due anew': [REDRIVE, 'Math.min(record.accepted.dueAt, now)', 'now'],
  'redrive: attempts begin anew': [ROUND, 'this.losses = 0', 'this.losses = 0; this.attempts = 0'],
  'redrive: rounds not counted': [ROUND, 'round: round + 1', 'round'],
  'redrive: not due': [REDRIVE, 'update(record)', ''],
  'redrive: the old result stays': [ROUND, 'this.result = null', ''],
  'redrive: losses count on': [ROUND, 'this.losses = 0', ''],
  'groups: the next is forgotten': [
    QUEUE,
    'for (const each of [firstBefore, record, first])',
    'for (const each of [record])',
  ],
  'groups: no order': [QUEUE, 'each === first ? each', 'true ? each'],
  'list: since ignored': [LIST, 'createdAt >= since', 'true'],
  'list: until ignored': [LIST, 'createdAt < until', 'true'],
  'list: accepted ignored': [LIST, '!accepted ||', 'true ||'],
  'list: expiry forgotten': [LIST, 'now < record.expiresAt', 'true'],
  'list: scope ignored': [LIST, 'record.scope === scope', 'true'],
  'history: the attempt before is not told': [START, 'this.#keepLast(now)', ''],
  'history: a redrive forgets the last attempt': [ROUND, 'this.#keepLast(now)', ''],
  'history: how an attempt failed is not kept': [FAILURE, 'this.outcome = outcome', ''],
  'history: who died of losses did not lose': ['    die(', "this.outcome = 'lost'", ''],
  'history: of all attempts': ['#keepLast(now) {', '.slice(1 - MAX_HISTORY)', ''],
  'history: of nine attempts': ['#keepLast(now) {', '1 - MAX_HISTORY', '2 - MAX_HISTORY'],
  'history: who was taken over still runs': ['function lastAttempt', "'lost'", "'running'"],
  'history: the whole lease id': ['processOf =', '.slice(0, PROCESS_LENGTH)', ''],
  'list: scope taken as a prefix': [LIST, 'record.scope === scope', 'record.scope.startsWith(scope)'],
  'list: state ignored': [LIST, 'record.state === state', 'true'],
  'list: label ignored': [LIST, 'record.label === label', 'true'],
  'list: a record twice at the page break': [LIST, 'records.before(below)', 'records.before(below + 1)'],
  'list: no further page': [
    LIST,
    'return { records: page, next: String(last) };\n                if (isWanted)',
    'return { records: page };\n                if (isWanted)',
  ],
  'list: limit ignored': [LIST, 'page.length === limit', 'page.length === 1000'],
  'list: the results come along': [LIST, 'record.summary(now)', '({ ...record.summary(now), result: record.result })'],
  'usage: the scope ignored': [USAGE, 'record.scope !== scope', 'false'],
  'usage: what was removed counts': [USAGE, '|| now >= record.expiresAt', ''],
  'usage: results have no size': [USAGE, '(record.result?.length ?? 0)', '0'],
  'purge: takes live records': [PURGE, 'now < record.expiresAt', 'false'],
  'purge: takes abandoned records': [PURGE, 'now < record.expiresAt', 'remainingLease(record, now) > 0'],
  'purge: limit ignored': [PURGE, 'removed === limit', 'false'],
  'the sweep takes abandoned records': [SWEEP, 'now >= value.expiresAt', 'remainingLease(value, now) === 0'],
  'names: scope and key joined by a colon': [NAME, JOINED, "[scope, key].join(':')"],
  'names: scope and key joined by nothing': [NAME, JOINED, 'scope + key'],
  'names: scope forgotten': [NAME, JOINED, 'key'],
  'names: case folded': [NAME, JOINED, `${JOINED}.toLowerCase()`],
  'names: trimmed': [NAME, JOINED, `${JOINED}.trim()`],
  'names: normalised': [NAME, JOINED, `${JOINED}.normalize('NFC')`],
  'names: cut': [NAME, JOINED, 'JSON.stringify([scope, key.slice(0, 254)])'],
  'a closed store answers': ['function enter', 'if (closed)', 'if (false)'],
  'a closed store throws something else': ['function enter', 'new StoreError(', 'new Error('],
}

test('the memory store as it is passes every case', async () => {
  expect(await failingCase(storeFrom(source))).toBeUndefined()
})

test.for(Object.entries(bugs))('a case fails on the bug "%s"', async ([, bug]) => {
  expect(await failingCase(seed(...bug))).toBeDefined()
})
