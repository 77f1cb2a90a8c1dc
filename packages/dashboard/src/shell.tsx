import { useEffect, useRef } from 'preact/hooks'
import { logOut } from './api/client'
import type { StreamState } from './api/stream'
import type { Session } from './api/types'
import { zone } from './format'
import { LiveContext, useStream } from './live'
import { DeadLetters } from './pages/dead-letters'
import { Deliveries } from './pages/deliveries'
import { DeliveryPage } from './pages/delivery'
import { Failed } from './pages/failed'
import { Health } from './pages/health'
import { RecordPage } from './pages/record'
import { Records } from './pages/records'
import { Refused } from './pages/refused'
import { RefusedPage } from './pages/refused-delivery'
import { Sources } from './pages/sources'
import { TestLab } from './pages/test-lab'
import { Notice, notify } from './parts/notice'
import { link, type Place, usePlace } from './router'
import { useTheme } from './theme'

const PAGES = [
  ['health', 'Health'],
  ['deliveries', 'Deliveries'],
  ['records', 'Records'],
  ['failed', 'Failed'],
  ['dead', 'Dead letters'],
  ['refused', 'Refused'],
  ['sources', 'Sources'],
  ['test', 'Test'],
] as const

interface ShellProps {
  session: Session
  onLogout(session: Session): void
}

/** The frame around every page: where one is, whether what one sees is live, and the way out. */
export function Shell({ session, onLogout }: ShellProps) {
  const live = useStream()
  const place = usePlace()
  const [theme, toggleTheme] = useTheme()
  const [section = PAGES[0][0]] = place.path
  const title = PAGES.find(([name]) => name === section)?.[1] ?? 'Not found'
  const main = useRef<HTMLElement>(null)

  const here = place.path.join('/')
  const first = useRef(true)
  useEffect(() => {
    document.title = `${place.path[2] ?? title} · Hookonce`
    // Whoever reads by ear or keys goes on where the page changed; not before they did anything.
    if (!first.current) main.current?.focus()
    first.current = false
  }, [here])

  const leave = () =>
    logOut().then(onLogout, (error: unknown) => notify(error instanceof Error ? error.message : String(error)))

  return (
    <LiveContext.Provider value={live}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <header class="top">
        <a class="brand" href="#/">
          Hookonce
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([name, title]) => (
            <a key={name} href={link([name])} aria-current={name === section ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <div class="top-end">
          <Connection state={live.state} />
          <button type="button" class="small" onClick={toggleTheme} aria-label={`Use the ${other(theme)} theme`}>
            {theme === 'dark' ? 'Light' : 'Dark'}
          </button>
          {session.access === 'token' && (
            <button type="button" class="small" onClick={leave}>
              Log out
            </button>
          )}
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Page place={place} theme={theme} access={session.access} />
      </main>
      <footer class="muted">Times are in {zone(Date.now())}.</footer>
      <Notice />
    </LiveContext.Provider>
  )
}

const other = (theme: 'light' | 'dark') => (theme === 'dark' ? 'light' : 'dark')

interface PageProps {
  place: Place
  theme: 'light' | 'dark'
  access: Session['access']
}

function Page({ place, theme, access }: PageProps) {
  const [section, source, key] = place.path
  switch (section) {
    case 'records':
      if (source === undefined || key === undefined) return <Records query={place.query} />
      return <RecordPage key={`${source} ${key}`} source={source} name={key} />
    case undefined:
    case 'health':
      return <Health query={place.query} theme={theme} />
    case 'deliveries':
      if (source === undefined || key === undefined) return <Deliveries query={place.query} />
      return <DeliveryPage key={`${source} ${key}`} source={source} id={key} />
    case 'failed':
      return <Failed query={place.query} />
    case 'refused':
      if (source === undefined || key === undefined) return <Refused query={place.query} />
      return <RefusedPage key={`${source} ${key}`} source={source} id={key} />
    case 'dead':
      return <DeadLetters query={place.query} />
    case 'sources':
      return <Sources />
    case 'test':
      return <TestLab source={source} access={access} />
    default:
      return (
        <>
          <h1>There is no such page</h1>
          <p>
            <a href="#/">Back to the health of all sources</a>
          </p>
        </>
      )
  }
}

const CONNECTION: Record<StreamState, string> = {
  connecting: 'Connecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
}

function Connection({ state }: { state: StreamState }) {
  return (
    <span class={`connection ${state}`} role="status">
      {CONNECTION[state]}
    </span>
  )
}
