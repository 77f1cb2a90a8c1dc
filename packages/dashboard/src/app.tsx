import { useEffect, useState } from 'preact/hooks'
import { getSession, loggedOut, logIn } from './api/client'
import type { Session } from './api/types'
import { Closed } from './pages/closed'
import { Login } from './pages/login'
import { Loading } from './parts/empty'
import { Failure } from './parts/failure'
import { tokenOfLink } from './router'
import { Shell } from './shell'

/** Nothing but the way in, until the server says that one is in. */
export function App() {
  const [session, setSession] = useState<Session>()
  const [error, setError] = useState<unknown>()
  const [wasIn, setWasIn] = useState(false)

  const [refused, setRefused] = useState<unknown>()

  const load = () => {
    setError(undefined)
    getSession().then(setSession, setError)
  }
  useEffect(() => {
    /** Whether a link brought a token. */
    const enter = () => {
      const token = tokenOfLink()
      if (token === undefined) return false
      setRefused(undefined)
      logIn(token).then(setSession, error => {
        setRefused(error)
        load()
      })
      return true
    }
    if (!enter()) load()
    addEventListener('hashchange', enter)
    return () => removeEventListener('hashchange', enter)
  }, [])
  useEffect(() => {
    const leave = () => {
      setWasIn(true)
      setSession(session => session && { ...session, logged_in: false })
    }
    loggedOut.addEventListener('loggedout', leave)
    return () => loggedOut.removeEventListener('loggedout', leave)
  }, [])

  if (error !== undefined) {
    return (
      <main class="gate">
        <h1>Hookonce</h1>
        <Failure error={error} retry={load} />
      </main>
    )
  }
  if (session === undefined) {
    return (
      <main class="gate">
        <Loading />
      </main>
    )
  }
  if (session.logged_in) return <Shell session={session} onLogout={setSession} />
  if (session.access === 'token')
    return <Login key={String(refused)} ended={wasIn} refused={refused} onLogin={setSession} />
  return <Closed access={session.access} retry={load} />
}
