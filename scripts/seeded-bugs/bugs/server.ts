import { type Bugs, bugsIn, inServer } from '../bug.js'

const operator = bugsIn('packages/server/src/operator/auth', ...inServer('operator/auth/access'))
const access = bugsIn('packages/server/src/config', ...inServer('operator/auth/access'))
const exchange = bugsIn('packages/server/src/http', ...inServer('deliveries/handlers/forward'))
const bug = bugsIn('packages/server/src', ...inServer('runtime/shutdown'))
const forward = bugsIn('packages/server/src/deliveries/handlers', ...inServer('deliveries/handlers/forward'))

export const serverBugs: Bugs = [
  operator(
    'a trial takes any Host',
    'origin.ts',
    "  if (!isOwnAddress(peerOf(request))) return 'this request comes from another machine.'\n  return throughProxy(request) ?? foreignHost(request) ?? foreignPage(request)",
    "  if (!isOwnAddress(peerOf(request))) return 'this request comes from another machine.'\n  return throughProxy(request) ?? foreignPage(request)",
  ),
  operator(
    'a trial does not see a proxy',
    'origin.ts',
    'if (FORWARDING.test(name)) return',
    "if (name === 'forwarded') return",
  ),
  operator(
    'a trial that is over opens again',
    'trial.ts',
    'if (this.#over !== undefined) return\n',
    'this.#over = undefined\n',
  ),
  operator(
    'a page of another site may use a session',
    'token-holders.ts',
    'return foreign === undefined ? undefined : denied(foreign)',
    'return foreign === undefined || foreign !== undefined ? undefined : denied(foreign)',
    ...inServer('operator/auth/guard'),
  ),
  operator(
    'a session never ends',
    'sessions.ts',
    'known !== undefined && now < known.endsAt && ',
    'known !== undefined && now > 0 && ',
    ...inServer('operator/auth/sessions'),
  ),
  operator(
    'a session outlives its logout',
    'token-holders.ts',
    'if (session !== undefined) this.#sessions.close(session)',
    "if (session === '') this.#sessions.close(session)",
    ...inServer('operator/auth/sessions'),
  ),
  operator(
    'tokens may be guessed without end',
    'token-holders.ts',
    'if (blockedForMs > 0) return tooManyTokens(blockedForMs)',
    'if (blockedForMs > 1e9) return tooManyTokens(blockedForMs)',
    ...inServer('operator/auth/sessions'),
  ),
  access(
    'a server with a config file is open',
    'operator-access.ts',
    "const protect = work ?? (ofFile === undefined ? undefined : 'there is a config file')",
    'const protect = work',
    ...inServer('operator/auth/access', 'operator/auth/token-file'),
  ),

  bug(
    'a drain ignores the inbox',
    'runtime/shutdown.ts',
    'Promise.all([answered, receiver.settled(), inbox.stop()])',
    'Promise.all([answered, receiver.settled()])',
  ),
  bug(
    'a drain ignores what is answered',
    'runtime/shutdown.ts',
    'Promise.all([answered, receiver.settled(), inbox.stop()])',
    'Promise.all([inbox.stop()])',
  ),
  bug(
    'new deliveries come in while it drains',
    'deliveries/in-flight.ts',
    'this.#closed = true',
    'this.#closed = false',
  ),
  bug('nothing is aborted when a drain takes too long', 'runtime/shutdown.ts', '    receiver.abort()\n', ''),
  bug(
    'a log that cannot be written keeps the process from ending',
    'observability/log.ts',
    'if (works) flush()',
    'flush()',
    ...inServer('observability/log-output'),
  ),
  bug(
    'it is ready while it drains',
    'runtime/health-routes.ts',
    "if (gate.closed) respond(reply, problem('shutting_down'))",
    "if (gate.inProgress < 0) respond(reply, problem('shutting_down'))",
  ),

  forward(
    'the key that the application gets is the sender’s',
    'forward.ts',
    "if (folded === 'idempotency-key' && attempt !== undefined && attempt.key !== null) return true",
    "if (folded === 'idempotency-key' && attempt === undefined) return true",
  ),
  exchange(
    'a request is sent again when its answer had begun',
    'exchange.ts',
    'sent.reusedSocket && !isAnswered && !signal.aborted',
    'sent.reusedSocket && !signal.aborted',
    ...inServer('deliveries/handlers/connections'),
  ),
  exchange(
    'a request is not sent again when a kept connection had ended',
    'exchange.ts',
    'if (!(error instanceof StaleConnection)) throw error',
    'if (!(error instanceof TypeError)) throw error',
    ...inServer('deliveries/handlers/connections'),
  ),
  forward(
    'a loop is not seen',
    'loop.ts',
    'entry.trim().split(/\\s+/)[1] === markOf(source)',
    'entry.trim() === markOf(source)',
    ...inServer('deliveries/handlers/loop'),
  ),
  forward(
    'an answer that quotes credentials is recorded',
    'forward.ts',
    "const quotes = [authorization.slice('Basic '.length), password].some(secret => secret !== '' && body.includes(secret))",
    'const quotes = authorization === password && body.length < 0',
    ...inServer('deliveries/handlers/failures', 'config/secrets'),
  ),
]
