import { useState } from 'preact/hooks'
import { ApiError, logIn } from '../api/client'
import type { Session } from '../api/types'

interface LoginProps {
  /** One was in, until the session was over. */
  ended: boolean
  /** Why a link did not lead in. */
  refused: unknown
  onLogin(session: Session): void
}

/** Asks for the token. It goes to the server once; what comes for it no script can read. */
export function Login({ ended, refused, onLogin }: LoginProps) {
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [message, setMessage] = useState(refused === undefined ? undefined : messageOf(refused))

  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setMessage(undefined)
    try {
      onLogin(await logIn(token.trim()))
    } catch (error) {
      setMessage(messageOf(error))
      setBusy(false)
    }
  }

  return (
    <main class="gate">
      <h1>Hookonce</h1>
      <p class="muted">
        {ended ? 'Your session is over. Log in to go on where you were.' : 'For those who run this receiver.'}
      </p>
      <form onSubmit={submit}>
        <label class="field">
          <span>Admin token</span>
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            required
            value={token}
            aria-invalid={message !== undefined}
            aria-describedby="login-message"
            onInput={event => setToken(event.currentTarget.value)}
          />
        </label>
        <p id="login-message" role="alert" class="message">
          {message}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          Log in
        </button>
      </form>
      <p class="muted">
        The token is the value of <code>HOOKONCE_ADMIN_TOKEN</code> where the server was started, or what is in the file{' '}
        <code>operator-token</code> beside its SQLite file. The server’s start says which.
      </p>
    </main>
  )
}

function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error)
  if (error.status === 401) return 'This is not the token. Compare it with what the server was started with.'
  if (error.status === 429) {
    return 'This is not the token either: too many wrong ones came from this address. The right one is taken at any time.'
  }
  return `${error.title}. ${error.message}`
}
