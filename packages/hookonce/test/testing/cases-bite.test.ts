import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
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
import { storeCases } from 'hookonce/testing'
import { expect, test } from 'vitest'

/** The compiled memory store as one script: what a bug is seeded into. */
const PARTS = ['entry', 'line', 'queue', 'hash-index', 'packed', 'archive', 'records', 'newest', 'index']
const source = ['util/options', 'util/short-lived-map', ...PARTS.map(part => `stores/memory/${part}`)]
  .map(file => readFileSync(new URL(`../../dist/${file}.js`, import.meta.url), 'utf8'))
  .join('\n')
  .replace(/^import .*$/gm, '')
  .replace(/^export /gm, '')

function storeFrom(script: string): () => Store {
  const make = new Function(
    ...[
      'systemClock',
      'StoreError',
      'MAX_ERROR_LENGTH',
      'NEVER',
      'LOST_ERROR',
      'lostError',
      'MOST_COUNTED',
      'randomInt',
    ],
    `${script}\nreturn memoryStore`,
  )
  return make(systemClock, StoreError, MAX_ERROR_LENGTH, NEVER, LOST_ERROR, lostError, MOST_COUNTED, randomInt)
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
    const failures = cases.slice(first, first + CHUNK).map(async ({ name, run }) => {
      const store = makeStore()
      const failed = await run({ open: async () => store }).then(
        () => false,
        () => true,
      )
      return failed ? name : Promise.reject(name)
    })
    const found = await Promise.any(failures).catch(() => undefined)
    if (found !== undefined) return found
  }
  return undefined
}

const CLAIM = 'async claim('
const RENEW = 'async renew('
const COMPLETE = 'async complete('
const FAIL = 'async fail('
const DELETE = 'async delete('
const GET = 'async get('
const LIST = 'async list('
const EXPIRY_CHECK = 'lookUp(id, at)'
const NO_EXPIRY_CHECK = 'records.find(id)'
const ACCEPT = 'async accept('
const TAKE = 'async claimDue('
const LOSE = 'function lose('
const HELD = 'function heldUnder('
const REDRIVE = 'async redrive('
const RETRY = 'function retry('
const QUEUE = 'class Queue'
const MAY_COMPLETE = "(entry.state !== 'running' && entry.state !== 'completed')"
const NAME = 'function nameOf('
/** In records.ts. */
const [LISTED, PURGE, SWEEP] = [
  '*unexpired(',
  'purge(limit, at) {\n            let removed = archive',
  '        sweep(at) {\n            for (let looked',
]
/** biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the store */
const JOINED = '`${scope.length}:${scope}${key}`'
const HOLDER_CHECK = 'entry?.leaseId !== leaseId'

const bugs: Record<string, [where: string, find: string, replacement: string]> = {
  'claim: not atomic': [CLAIM, 'lookUp(request, at);', 'lookUp(request, at); await null;'],
  'claim: expiry forgotten': [
    CLAIM,
    'records.sweep(at);\n            const entry = lookUp(request, at)',
    'const entry = records.find(request)',
  ],
  'claim: fingerprints not compared': [CLAIM, 'entry.fingerprint !== request.fingerprint', 'false'],
  'claim: an unknown fingerprint in the record compared': [CLAIM, 'entry.fingerprint !== null &&', ''],
  'claim: an unknown fingerprint in the request compared': [CLAIM, 'request.fingerprint !== null &&', ''],
  'claim: mismatch only after completed': [
    CLAIM,
    'entry.fingerprint !== null &&',
    "entry.state !== 'completed' && entry.fingerprint !== null &&",
  ],
  'claim: mismatch only while running': [
    CLAIM,
    'entry.fingerprint !== null &&',
    "entry.state === 'running' && entry.fingerprint !== null &&",
  ],
  'claim: mismatch only after the resent claim': [
    CLAIM,
    'entry.fingerprint !== null &&',
    'entry.leaseId !== request.leaseId && entry.fingerprint !== null &&',
  ],
  'claim: a completed record is taken again': [CLAIM, "entry.state === 'completed'", 'false'],
  'claim: a resent claim finds itself running': [CLAIM, 'entry.leaseId === request.leaseId', 'false'],
  'claim: a resent claim is refused once its lease is over': [
    CLAIM,
    'entry.leaseId === request.leaseId',
    'entry.leaseId === request.leaseId && remaining(entry, at) > 0',
  ],
  'claim: a resent claim prolongs the lease': [
    CLAIM,
    'return acquired(entry, false)',
    'setLease(entry, at, request.leaseMs); return acquired(entry, false)',
  ],
  'claim: a resent claim gets a new token': [
    CLAIM,
    'return acquired(entry, false)',
    'entry.fencingToken = issueToken(at); return acquired(entry, false)',
  ],
  'claim: a takeover is told again': [CLAIM, 'return acquired(entry, false)', 'return acquired(entry, true)'],
  'claim: a takeover is not told': [CLAIM, 'return acquired(taken, tookOver)', 'return acquired(taken, false)'],
  'claim: every further attempt is a takeover': [
    CLAIM,
    'return acquired(taken, tookOver)',
    'return acquired(taken, true)',
  ],
  'claim: the record says nothing of what was lost': [CLAIM, 'if (tookOver)', 'if (false)'],
  'claim: a failure counts as lost on the record': [CLAIM, 'if (tookOver)', 'if (true)'],
  'claim: a live lease is taken over': [CLAIM, 'leaseRemainingMs > 0', 'false'],
  'claim: a lease that is over still holds': [CLAIM, 'leaseRemainingMs > 0', "entry.state === 'running'"],
  'claim: losses not counted': [CLAIM, '(tookOver && entry.begun ? 1 : 0)', '0'],
  'claim: failures counted as losses': [CLAIM, '(tookOver && entry.begun ? 1 : 0)', '1'],
  'claim: what did not begin counted as a loss': [CLAIM, 'tookOver && entry.begun', 'tookOver'],
  'losses not kept': [LOSE, 'entry.losses++', ''],
  'what did not begin kept as a loss': [LOSE, 'if (entry.begun)', 'if (true)'],
  'what did not begin counts in its round': [LOSE, 'entry.accepted.earlierAttempts++', ''],
  'the record says nothing of what was lost': [LOSE, 'entry.lastError = lostError(entry.attempts)', ''],
  'what was claimed has not begun': ['function takeOver', 'entry.begun = true', 'entry.begun = false'],
  'renew: it has not begun': [RENEW, 'entry.begun = true', ''],
  'claim: one loss too many': [CLAIM, 'losses >= request.maxLosses', 'losses > request.maxLosses'],
  'claim: exhausted before running': [
    CLAIM,
    'const leaseRemainingMs',
    "if (entry.losses >= request.maxLosses) return { status: 'exhausted', losses: entry.losses };\nconst leaseRemainingMs",
  ],
  'claim: exhausted writes the loss': [
    CLAIM,
    'if (losses >= request.maxLosses)',
    'entry.losses = losses;\nif (losses >= request.maxLosses)',
  ],
  'claim: result handed out without a copy': [CLAIM, 'copyOf(entry.result)', 'entry.result'],
  'claim: the time of completion is now': [CLAIM, 'completedAt: entry.settledAt', 'completedAt: at + 1'],
  'attempts not counted': ['function takeOver', 'entry.attempts++', 'entry.attempts = 1'],
  'a retry keeps the old lease id': ['function takeOver', 'entry.leaseId = request.leaseId', ''],
  'a retry keeps the old token': ['function takeOver', 'entry.fencingToken = fencingToken', ''],
  'a retry keeps the old time of claim': ['function takeOver', 'entry.claimedAt = at', ''],
  'a retry keeps the old lock TTL': ['function takeOver', 'entry.lockTtlMs = request.lockTtlMs', ''],
  'a retry keeps the old retention': ['function takeOver', 'entry.retentionMs = request.retentionMs', ''],
  'a retry still tells when it settled': ['function takeOver', 'entry.settledAt = null', ''],
  'a retry forgets the fingerprint': ['function takeOver', 'entry.fingerprint ??=', 'entry.fingerprint ='],
  'a retry never learns the fingerprint': [
    'function takeOver',
    'entry.fingerprint ??=',
    'if (entry.attempts === 1) entry.fingerprint =',
  ],
  'a retry forgets the label': ['function takeOver', 'entry.label ??=', 'entry.label ='],
  'a retry never learns the label': ['function takeOver', 'entry.label ??=', 'if (entry.attempts === 1) entry.label ='],
  'a completed record: its label is gone': [
    'function unpack',
    'label: optional(LABEL)',
    'label: (optional(LABEL), null)',
  ],
  'accept: the label is not kept': ['function acceptedEntry', 'label,', 'label: null,'],
  'the lease is not bounded by the lock TTL': [
    'function setLease',
    'Math.min(at + leaseMs, entry.claimedAt + entry.lockTtlMs)',
    'at + leaseMs',
  ],
  'a lease ends 5 ms early': ['function remaining', 'entry.leaseEndsAt - at', 'entry.leaseEndsAt - at - 5'],
  'a lease is 5 ms shorter than asked': ['function setLease', 'at + leaseMs', 'at + leaseMs - 5'],
  'claimDue: a lease ends 5 ms early': [TAKE, 'queue.next(request.scope, at)', 'queue.next(request.scope, at + 5)'],
  'renewals count the lock TTL from now': ['function setLease', 'entry.claimedAt + entry', 'at + entry'],
  'a running record expires with its lease': ['function setLease', 'entry.leaseEndsAt + Math', '0 * Math'],
  'a running record is kept for the retention only': [
    'function setLease',
    'Math.max(entry.lockTtlMs, entry.retentionMs)',
    'entry.retentionMs',
  ],
  'a running record is kept for the lock TTL only': [
    'function setLease',
    'Math.max(entry.lockTtlMs, entry.retentionMs)',
    'entry.lockTtlMs',
  ],
  'retention counted from the claim': [
    'function settle',
    'at + entry.retentionMs',
    'entry.claimedAt + entry.retentionMs',
  ],
  'a settled record shows a lease': ["entry.state === 'running' ? Math", "entry.state === 'running'", 'true'],
  'tokens: the same twice in a tick': ['function issueToken', 'lastToken + 1', 'lastToken'],
  'tokens: behind the clock': ['function issueToken', 'Math.trunc(at * 1000)', '0'],
  'tokens: not rising over deletion': [DELETE, "return 'deleted'", "lastToken = 0; return 'deleted'"],
  'renew: holder not checked': [RENEW, HOLDER_CHECK, 'entry === undefined'],
  'renew: a lease that is over is renewed': [RENEW, 'remaining(entry, at) === 0', "entry.state !== 'running'"],
  'renew: does nothing': [RENEW, 'setLease(entry, at, leaseMs)', ''],
  'renew: prolongs from the end of the lease': [
    RENEW,
    'setLease(entry, at, leaseMs)',
    'setLease(entry, entry.leaseEndsAt, leaseMs)',
  ],
  'complete: expiry forgotten': [COMPLETE, EXPIRY_CHECK, NO_EXPIRY_CHECK],
  'complete: fence removed': [COMPLETE, HOLDER_CHECK, 'entry === undefined'],
  'complete: a failed attempt may still complete': [COMPLETE, MAY_COMPLETE, "(entry.state === 'pending')"],
  'complete: a pending record may complete': [COMPLETE, MAY_COMPLETE, "(entry.state === 'failed')"],
  'complete: a late result is refused': [COMPLETE, MAY_COMPLETE, `(${MAY_COMPLETE} || at >= entry.leaseEndsAt)`],
  'complete: a resent completion is refused': [COMPLETE, MAY_COMPLETE, "(entry.state !== 'running')"],
  'complete: a resent completion overwrites': [
    COMPLETE,
    "if (entry.state === 'running')",
    'if (records.forget(entry), true)',
  ],
  'complete: not atomic': [COMPLETE, "if (entry.state === 'running')", "await null; if (entry.state === 'running')"],
  'complete: the whole buffer is kept': [COMPLETE, 'entry, result', 'entry, result: new Uint8Array(result.buffer)'],
  'complete: the result goes through text': [
    COMPLETE,
    'entry, result',
    'entry, result: Buffer.from(Buffer.from(result).toString())',
  ],
  'a completed record: an empty result is none': [
    'function unpack',
    'numbers[at + RESULT] === NONE',
    'deliveryAt === resultAt',
  ],
  'a completed record: what was accepted is gone': ['function unpack', 'numbers[at + DELIVERY] !== NONE', 'false'],
  'a completed record: texts of one byte a character': [
    'function contentsOf',
    'Buffer.byteLength(text)',
    'text.length',
  ],
  'complete: the time told is not the one kept': [
    COMPLETE,
    'completedAt: entry.settledAt',
    'completedAt: entry.settledAt + 1',
  ],
  'fail: expiry forgotten': [FAIL, EXPIRY_CHECK, NO_EXPIRY_CHECK],
  'fail: fence removed': [FAIL, HOLDER_CHECK, 'entry === undefined'],
  'fail: a completed attempt may still fail': [FAIL, "entry.state === 'completed'", 'false'],
  'fail: removes what completed': [
    FAIL,
    "if (entry?.leaseId !== leaseId || entry.state === 'completed' || entry.state === 'pending')",
    "if (entry?.leaseId === leaseId) entry.state = 'running'; else",
  ],
  'fail: a late failure is refused': [FAIL, "entry.state === 'completed'", 'at >= entry.leaseEndsAt'],
  'fail: a resent failure is refused': [FAIL, "entry.state === 'completed'", "entry.state !== 'running'"],
  'fail: a resent failure prolongs the retention': [FAIL, "entry.state === 'running'", 'true'],
  'fail: the error is not cut': [FAIL, 'error.slice(0, MAX_ERROR_LENGTH)', 'error'],
  'fail: the error is not kept': [FAIL, 'error.slice(0, MAX_ERROR_LENGTH)', 'null'],
  'delete: expiry forgotten': [DELETE, EXPIRY_CHECK, NO_EXPIRY_CHECK],
  'delete: a running record goes without force': [DELETE, '&& !force', '&& false'],
  'delete: an abandoned record needs force': [DELETE, 'remaining(entry, at) > 0', "entry.state === 'running'"],
  'delete: force refused': [DELETE, '&& !force', ''],
  'delete: the record stays': [DELETE, 'records.forget(entry)', ''],
  'get: expiry forgotten': [GET, EXPIRY_CHECK, NO_EXPIRY_CHECK],
  'get: takes an abandoned record away': [
    GET,
    'return undefined',
    "return undefined\nif (entry.state === 'running' && !remaining(entry, at)) entry.state = 'failed'",
  ],
  'get: result handed out without a copy': [GET, 'copyOf(entry.result)', 'entry.result'],
  'get: the record itself is handed out': [
    GET,
    'return undefined',
    'return undefined\nif (!entry.result) return Object.assign(entry, { leaseRemainingMs: remaining(entry, at) })',
  ],
  'accept: fingerprints not compared': [ACCEPT, 'entry.fingerprint !== request.fingerprint', 'false'],
  'accept: a resent acceptance is known': [ACCEPT, 'entry.leaseId === request.acceptId', 'false'],
  'accept: anybody is the one who accepted': [ACCEPT, 'entry.leaseId === request.acceptId', 'true'],
  'accept: the delay is forgotten': [ACCEPT, 'at + request.delayMs', 'at'],
  'accept: what is known is accepted anew': [ACCEPT, 'if (entry === undefined)', "if (entry?.state !== 'running')"],
  'accept: the delivery is not kept': ['function acceptedEntry', 'copyOf(delivery)', 'new Uint8Array()'],
  "accept: the delivery stays the caller's": ['function acceptedEntry', 'copyOf(delivery)', 'delivery'],
  'accept: it expires while it waits': ['function acceptedEntry', 'expiresAt: NEVER', 'expiresAt: at + retentionMs'],
  'an accepted record expires while it runs': ['function setLease', 'entry.accepted ? NEVER', 'false ? NEVER'],
  'an accepted record expires after a failure': ['function settle', "state === 'failed' && entry.accepted", 'false'],
  'claimDue: what is taken has begun': [TAKE, 'entry.begun = false', ''],
  'claimDue: asked again it takes more': [TAKE, 'request.again ?', 'false ?'],
  'claimDue: asked again it gives what others hold': [HELD, 'entry.leaseId === leaseId', 'true'],
  'claimDue: asked again it gives what is over': [HELD, 'remaining(entry, at) > 0', 'true'],
  'fail: what did not begin counts in its round': [RETRY, 'if (next.notBegun)', 'if (false)'],
  'claimDue: failures counted as losses': [TAKE, 'if (tookOver)', 'if (entry.attempts > 0)'],
  'claimDue: a takeover is not told': [TAKE, 'dueClaim(entry, tookOver)', 'dueClaim(entry, false)'],
  'claimDue: everything is a takeover': [TAKE, 'dueClaim(entry, tookOver)', 'dueClaim(entry, true)'],
  'claimDue: never dies': [TAKE, 'entry.losses >= request.maxLosses', 'false'],
  'claimDue: dies in silence': [TAKE, 'entry.lastError = LOST_ERROR', ''],
  'claimDue: the lease is not due again': [TAKE, 'queue.schedule(entry, entry.leaseEndsAt)', 'queue.remove(entry)'],
  'claimDue: more than asked': [TAKE, 'taken.length < request.limit', 'true'],
  'claim: a dead record is taken': [CLAIM, "entry.state === 'dead'", 'false'],
  'renew: the record is due at the old time': [RENEW, 'if (entry.accepted)', 'if (false)'],
  'complete: still due': [COMPLETE, 'if (entry.accepted)', 'if (false)'],
  'fail: a pending record may fail': [FAIL, "|| entry.state === 'pending'", ''],
  'fail: due at once, whatever is said': [RETRY, 'at + next.dueInMs', 'at'],
  'fail: dead ones are due': [RETRY, 'queue.remove(entry)', 'queue.schedule(entry, at)'],
  'fail: dead is failed': [RETRY, "entry.state = 'dead'", ''],
  'fail: dead ones stay for ever': [RETRY, 'entry.expiresAt = at + entry.retentionMs', ''],
  'delete: still due': [DELETE, 'if (entry.accepted)', 'if (false)'],
  'backlog: nothing is ever overdue': ['backlog(scope, at) {', 'Math.max(0, at -', 'Math.min(0, at -'],
  'backlog: turns that are over count': ['backlog(scope, at) {', 'this.#holds(scope, turn)', 'true'],
  'backlog: of another scope': [
    'backlog(scope, at) {',
    'const line',
    '[scope] = [...this.#lines.keys()].reverse();\nconst line',
  ],
  'redrive: whatever its state': [REDRIVE, "entry.state !== 'dead' && entry.state !== 'completed'", 'false'],
  'redrive: the dead only': [
    REDRIVE,
    "entry.state !== 'dead' && entry.state !== 'completed'",
    "entry.state !== 'dead'",
  ],
  'redrive: attempts begin anew': [REDRIVE, 'losses: 0', 'losses: 0, attempts: 0'],
  'redrive: rounds not counted': [REDRIVE, 'accepted.round + 1', 'accepted.round'],
  'redrive: not due': [REDRIVE, 'queue.schedule(anew, at)', ''],
  'redrive: the old result stays': [REDRIVE, 'result: null', 'result: entry.result'],
  'redrive: losses count on': [REDRIVE, 'losses: 0', 'losses: entry.losses'],
  'groups: the next is forgotten': [QUEUE, 'else if (wasFirst)', 'else if (false)'],
  'claim: a pending record stays due': [CLAIM, 'if (entry.accepted)', 'if (false)'],
  'fail: claimed records are queued too': [FAIL, 'if (entry.accepted)', 'if (true)'],
  'groups: no order': [QUEUE, 'name === undefined || this.#groups.get(name)?.[0]?.key === key', 'true'],
  'list: since ignored': [LIST, 'createdAt < since', 'false'],
  'list: until ignored': [LIST, 'createdAt >= until', 'false'],
  'list: accepted ignored': [LIST, 'entry.accepted === undefined', 'false'],
  'list: expiry forgotten': [LISTED, 'at < entry.expiresAt', 'true'],
  'list: scope ignored': [LIST, 'entry.scope !== scope', 'false'],
  'list: scope taken as a prefix': [LIST, 'entry.scope !== scope', '!entry.scope.startsWith(scope)'],
  'list: state ignored': [LIST, 'entry.state !== state', 'false'],
  'list: label ignored': [LIST, 'entry.label !== label', 'false'],
  'list: a record twice at the page break': [LIST, 'ordinal < below', 'ordinal <= below'],
  'list: no further page': [LIST, 'newest.more', 'false'],
  'list: limit ignored': [LIST, 'new Newest(limit)', 'new Newest(1000)'],
  'list: the results come along': [LIST, 'summaryOf(entry, at)', '({ ...summaryOf(entry, at), result: entry.result })'],
  'usage: the scope of what is under way ignored': ['usage(scope, at) {', 'entry.scope !== scope', 'false'],
  'usage: the scope of what is completed ignored': ['class Archive', '!isOfScope(slab, at, scope)', 'false'],
  'usage: what was removed counts': ['class Archive', 'now >= slab.numbers[at + EXPIRES_AT] ||', ''],
  'usage: results have no size': ['class Archive', 'words += slab.numbers[at + WORDS]', 'words += 1'],
  'purge: takes live records': [PURGE, 'at < entry.expiresAt', 'false'],
  'purge: takes completed records': ['class Archive', 'expiresAt === GONE || now < expiresAt', 'expiresAt === GONE'],
  'purge: takes abandoned records': [PURGE, 'at < entry.expiresAt', 'remaining(entry, at) > 0'],
  'purge: limit ignored': [PURGE, 'removed >= limit', 'false'],
  'the sweep takes abandoned records': [SWEEP, 'at >= step.value.expiresAt', 'remaining(step.value, at) === 0'],
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
