import type { Session } from '../api/types'

const WHY: Record<Session['access'], string> = {
  closed:
    'This server has no token, and without one nobody gets in: there is something to protect, it listens on more than this machine, or a request showed that it is reached through a proxy or from elsewhere. Its log says which.',
  local: 'This server lets in what comes straight from its own machine, and this browser came another way.',
  open: 'This page was opened by an address that the server does not take for its own, or through a proxy.',
  token: 'Log in with the token.',
}

/** What to do where no token would help. */
export function Closed({ access, retry }: { access: Session['access']; retry(): void }) {
  return (
    <main class="gate">
      <h1>The dashboard is closed</h1>
      <p>{WHY[access]}</p>
      <p>To get in, start it with a token and log in with that:</p>
      <pre>HOOKONCE_ADMIN_TOKEN=$(openssl rand -hex 32)</pre>
      {access !== 'closed' && (
        <p>
          Or open <code>http://localhost:…/dashboard</code> on the server’s machine, over <code>ssh -L</code> if need
          be.
        </p>
      )}
      <p>
        <button type="button" onClick={retry}>
          Try again
        </button>
      </p>
    </main>
  )
}
