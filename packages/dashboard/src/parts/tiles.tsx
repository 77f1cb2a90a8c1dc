import type { ComponentChildren } from 'preact'
import type { Overview } from '../api/types'
import { bytes, count, duration, percent } from '../format'
import { link } from '../router'
import { sumKnown } from '../sum-known'
import { Moment } from './moment'

/** Shares of the last minute from which on a tile is red. */
const ALARMING = { failed: 0.1, attempts: 0.5, refused: 0.5 }
/** A due delivery of an inbox waits longer than this for a reason. */
const OVERDUE_MS = 60_000

/** The figures of now. Those that are not known are a dash, never a 0. */
export function Tiles({ overview }: { overview: Overview }) {
  const { window, store } = overview
  const latency = (ms: number | null) => (ms === null ? '–' : duration(ms))
  const outcomes = (...names: string[]) => names.reduce((sum, name) => sum + (window.by_outcome[name] ?? 0), 0)
  const deliveries = outcomes(...Object.keys(window.by_outcome))
  const attempts = Object.values(window.attempts).reduce((sum, ended) => sum + ended, 0)
  return (
    <dl class="tiles">
      <Tile name="Deliveries" value={`${count(window.rate)}/s`} note={`over ${duration(window.seconds * 1000)}`} />
      <Share
        name="Failed deliveries"
        part={outcomes('failed', 'lost', 'unavailable', 'full')}
        whole={deliveries}
        alarming={ALARMING.failed}
      />
      <Share
        name="Failed attempts"
        part={attempts - (window.attempts.recorded ?? 0)}
        whole={attempts}
        alarming={ALARMING.attempts}
      />
      <Share name="Refused" part={outcomes('unauthorized', 'invalid')} whole={deliveries} alarming={ALARMING.refused} />
      <Tile
        name="Hit rate"
        value={window.hit_rate === null ? '–' : percent(window.hit_rate)}
        note="answered from a record"
      />
      <Tile name="Latency, median" value={latency(window.p50_ms)}>
        95 %: {latency(window.p95_ms)}, 99 %: {latency(window.p99_ms)}
      </Tile>
      <Tile name="In flight" value={count(overview.in_flight)} note={`${count(overview.waiters)} waiting`} />
      <Tile name="Conflicts" value={count(outcomes('mismatch', 'in_progress'))} note="409 and 422, last minute" />
      <Tile name="Crashes healed" value={count(overview.takeovers)}>
        {count(overview.lost_leases)} leases lost, since <Moment at={overview.since} far={false} />
      </Tile>
      <InboxTile overview={overview} />
      <Tile name="Store" value={store.state} alarming={store.state !== 'ok'}>
        {store.name}
        {store.records !== undefined && `, ${count(store.records)} records`}
        {store.bytes !== undefined && `, ${bytes(store.bytes)}`}
        {store.errors > 0 && `, ${count(store.errors)} errors since the start`}
        <AsOf at={store.as_of} />
      </Tile>
      <Tile
        name="Event-loop lag"
        value={duration(overview.event_loop_lag_ms)}
        note="the longest since the last figure"
      />
    </dl>
  )
}

function InboxTile({ overview: { at, inbox } }: { overview: Overview }) {
  const inboxes = Object.values(inbox)
  if (inboxes.length === 0) return null
  const pending = sumKnown(inboxes.map(({ pending }) => pending))
  const dead = sumKnown(inboxes.map(({ dead }) => dead))
  const oldest = inboxes.flatMap(({ oldest_due_at }) => oldest_due_at ?? []).sort()[0]
  const overdueMs = oldest === undefined ? 0 : Date.parse(at) - Date.parse(oldest)
  return (
    <Tile
      name="Inbox"
      value={pending === null ? '–' : `${count(pending)} pending`}
      alarming={(dead ?? 0) > 0 || overdueMs > OVERDUE_MS}
    >
      {dead === null ? 'dead: not known' : <a href={link(['dead'])}>{count(dead)} dead</a>}
      {overdueMs > 0 && `, overdue for ${duration(overdueMs)}`}
      <AsOf at={inboxes.map(({ as_of }) => as_of).sort()[0] ?? null} />
    </Tile>
  )
}

/** When figures were read that are not those of this moment. */
function AsOf({ at }: { at: string | null }) {
  if (at === null) return ' (not known: the store does not answer)'
  return (
    <>
      {' '}
      (<Moment at={at} far={false} />)
    </>
  )
}

interface ShareProps {
  name: string
  part: number
  whole: number
  /** From this share on. */
  alarming: number
}

/** Of the last minute. */
function Share({ name, part, whole, alarming }: ShareProps) {
  return (
    <Tile
      name={name}
      value={whole === 0 ? '–' : percent(part / whole)}
      note={whole === 0 ? 'none in the last minute' : `${count(part)} of ${count(whole)} in the last minute`}
      alarming={part > 0 && part / whole >= alarming}
    />
  )
}

interface TileProps {
  name: string
  value: string
  note?: string
  alarming?: boolean
  children?: ComponentChildren
}

export function Tile({ name, value, note, alarming = false, children }: TileProps) {
  return (
    <div class={alarming ? 'tile alarming' : 'tile'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
      <dd class="muted">{children ?? note}</dd>
    </div>
  )
}
