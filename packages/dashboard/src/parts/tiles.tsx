import type { ComponentChildren } from 'preact'
import type { Figures, Overview } from '../api/types'
import { ALARMING_FAILURES, deliveriesIn, failingIn, refusedIn, shareText } from '../figure-sums'
import { bytes, count, duration } from '../format'
import { link } from '../router'
import { sumKnown } from '../sum-known'
import { Moment } from './moment'

/** Shares from which on a tile is red. */
const ALARMING = { deliveries: ALARMING_FAILURES, attempts: 0.5, refused: 0.5 }
/** A due delivery of an inbox waits longer than this for a reason. */
const OVERDUE_MS = 60_000

interface TilesProps {
  figures: Figures | undefined
  overview: Overview | undefined
}

/** What all processes did, and what is in their store. What is not known is a dash, never a 0. */
export function Tiles({ figures, overview }: TilesProps) {
  return (
    <dl class="tiles">
      {figures !== undefined && <FigureTiles figures={figures} />}
      {overview !== undefined && (
        <>
          <InboxTile overview={overview} />
          <StoreTile store={overview.store} />
        </>
      )}
    </dl>
  )
}

function FigureTiles({ figures }: { figures: Figures }) {
  const { deliveries, saved, attempts, p50_ms, p95_ms, p99_ms } = figures
  const ended = Object.values(attempts).reduce((sum, count) => sum + count, 0)
  const { recorded = 0, lost = 0 } = attempts
  const processed = saved + deliveriesIn(figures, ['executed', 'accepted'])
  return (
    <>
      <Tile name="Deliveries" value={count(deliveries)}>
        since {new Date(figures.since).toLocaleString('en-GB')}
      </Tile>
      <Share name="Failed deliveries" part={failingIn(figures)} whole={deliveries} alarming={ALARMING.deliveries} />
      <Share name="Failed attempts" part={ended - recorded} whole={ended} alarming={ALARMING.attempts}>
        {lost > 0 && `, ${count(lost)} by a crash or beyond the lease`}
      </Share>
      <Share name="Refused" part={refusedIn(figures)} whole={deliveries} alarming={ALARMING.refused} />
      <Tile name="Saved" value={count(saved)}>
        duplicates that did not run
      </Tile>
      <Tile name="Hit rate" value={shareText(saved, processed)}>
        answered from a record
      </Tile>
      <Tile name="Conflicts" value={count(deliveriesIn(figures, ['mismatch', 'in_progress']))}>
        409 and 422
      </Tile>
      <Tile name="Latency, median" value={latencyText(p50_ms)}>
        95 %: {latencyText(p95_ms)}, 99 %: {latencyText(p99_ms)}
      </Tile>
    </>
  )
}

export const latencyText = (ms: number | null): string => (ms === null ? '–' : duration(ms))

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

function StoreTile({ store }: { store: Overview['store'] }) {
  return (
    <Tile name="Store" value={store.state} alarming={store.state !== 'ok'}>
      {store.name}
      {store.records !== undefined && `, ${count(store.records)} records`}
      {store.bytes !== undefined && `, ${bytes(store.bytes)}`}
      <AsOf at={store.as_of} />
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
  children?: ComponentChildren
}

function Share({ name, part, whole, alarming, children }: ShareProps) {
  return (
    <Tile name={name} value={shareText(part, whole)} alarming={part > 0 && part / whole >= alarming}>
      {whole === 0 ? 'none in this range' : `${count(part)} of ${count(whole)}`}
      {children}
    </Tile>
  )
}

interface TileProps {
  name: string
  value: string
  alarming?: boolean
  children: ComponentChildren
}

export function Tile({ name, value, alarming = false, children }: TileProps) {
  return (
    <div class={alarming ? 'tile alarming' : 'tile'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
      <dd class="muted">{children}</dd>
    </div>
  )
}
