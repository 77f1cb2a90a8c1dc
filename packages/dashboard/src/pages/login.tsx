import { useState } from 'preact/hooks'
import { ApiError, logIn } from '../api/client'
import type { Session } from '../api/types'
import { duration } from '../format'

interface LoginProps {
  /** One was in, until the session was over. */
  ended: boolean
  onLogin(session: Session): void
}

/** Asks for the token. It goes to the server once; what comes for it no script can read. */
export function Login({ ended, onLogin }: LoginProps) {
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  const [message, setMessage] = useState<string>()

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
        The token is the value of <code>HOOKONCE_ADMIN_TOKEN</code> where the server was started.
      </p>
    </main>
  )
}

function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error)
  if (error.status === 401) return 'This is not the token. Compare it with HOOKONCE_ADMIN_TOKEN.'
  if (error.status === 429) {
    const wait = error.retryAfterSeconds === undefined ? 'a minute' : duration(error.retryAfterSeconds * 1000)
    return `Too many wrong tokens came from this address. Try again in ${wait}.`
  }
  return `${error.title}. ${error.message}`
}
