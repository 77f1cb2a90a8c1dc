import { getRefused, type Selection } from '../api/client'
import type { RefusedSummary } from '../api/types'
import { count } from '../format'
import { Badge, OutcomeBadge, StatusBadge } from '../parts/badges'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { Filters } from '../parts/filters'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { Pager } from '../parts/pager'
import { visible } from '../parts/visible'
import { link } from '../router'

/** Deliveries that were refused, each with the likely reason. */
export function Refused({ query }: { query: URLSearchParams }) {
  const given = (name: string) => query.get(name) ?? undefined
  const [source, since, until, after] = [given('source'), given('since'), given('until'), given('after')]
  const selected: Selection = { ...(source && { source }), ...(since && { since }), ...(until && { until }) }
  const page = useLoad(() => getRefused({ ...selected, ...(after && { after }) }), [source, since, until, after])
  const filters = { source, since, until }
  const narrowed = Object.values(filters).some(Boolean)

  return (
    <>
      <div class="page-head">
        <h1>Refused</h1>
        <button type="button" class="small" onClick={page.reload}>
          Refresh
        </button>
      </div>
      <p class="muted">A sample of a day: of many alike only some. New ones appear within a second or two.</p>
      <Filters path={['refused']} query={query} times="Refused" />
      {page.error !== undefined ? (
        <Failure error={page.error} retry={page.reload} />
      ) : page.data === undefined ? (
        <Loading />
      ) : page.data.refused.length > 0 ? (
        <RefusedTable refused={page.data.refused} />
      ) : (
        <Empty title={narrowed ? 'Nothing fits' : 'Nothing was refused'}>
          <p>
            {narrowed ? (
              <a href={link(['refused'])}>Show all that was refused</a>
            ) : (
              'A delivery with a wrong signature, a wrong key or a reused one comes here.'
            )}
          </p>
        </Empty>
      )}
      <Pager of="refused deliveries" path={['refused']} filters={filters} after={after} next={page.data?.next} />
    </>
  )
}

function RefusedTable({ refused }: { refused: RefusedSummary[] }) {
  return (
    <table>
      <caption class="hidden">Refused deliveries</caption>
      <thead>
        <tr>
          <th scope="col">Likely reason</th>
          <th scope="col">Answered</th>
          <th scope="col" class="wide-only">
            Refused
          </th>
        </tr>
      </thead>
      <tbody>
        {refused.map(delivery => (
          <tr key={delivery.id}>
            <td>
              <a href={link(['refused', delivery.source, delivery.id])}>{visible(reasonOf(delivery))}</a>
              <span class="muted block">
                {delivery.source}, from {delivery.peer}
                {delivery.unlogged > 0 && `, and ${count(delivery.unlogged)} alike before it`}
              </span>
            </td>
            <td>
              <StatusBadge status={delivery.status} />{' '}
              {delivery.accepted_at === null ? (
                <OutcomeBadge outcome={delivery.outcome} />
              ) : (
                <Badge tone="good" text="accepted since" />
              )}
            </td>
            <td class="wide-only">
              <Moment at={delivery.at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const REASONS: Record<string, string> = {
  key_reused: 'Its key was used before for another payload.',
  key_missing: 'It has no key.',
  key_invalid: 'Its key is not valid.',
  body_too_large: 'Its body is larger than this source takes.',
  headers_too_large: 'It has more headers than are taken.',
  method_not_allowed: 'It is no POST.',
  loop_detected: 'It came back from where this source forwards to.',
}

function reasonOf({ findings, code, outcome }: RefusedSummary): string {
  return findings[0]?.text ?? REASONS[code ?? ''] ?? (code ?? outcome).replaceAll('_', ' ')
}
