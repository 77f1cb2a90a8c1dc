import type { SeenDelivery, StreamedDelivery } from '../api/types'
import { duration } from '../format'
import { link } from '../router'
import { OutcomeBadge } from './badges'
import { Moment } from './moment'

interface SeenDeliveriesProps {
  deliveries: (SeenDelivery | StreamedDelivery)[]
  caption: string
  /** Of one source, whose records the keys lead to. */
  source?: string
}

/** Deliveries as they were answered, newest first. */
export function SeenDeliveries({ deliveries, caption, source }: SeenDeliveriesProps) {
  return (
    <table>
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">{source === undefined ? 'Source' : 'Key'}</th>
          <th scope="col">Outcome</th>
          <th scope="col" class="number">
            Status
          </th>
          <th scope="col" class="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery, i) => (
          <tr key={i}>
            <td>
              <Moment at={delivery.at} far={false} />
            </td>
            <td class="key">
              {'source' in delivery ? delivery.source : <KeyLink source={source!} name={delivery.key} />}
            </td>
            <td>
              <OutcomeBadge outcome={delivery.outcome} />
            </td>
            <td class="number">{delivery.status}</td>
            <td class="number">{duration(delivery.ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function KeyLink({ source, name }: { source: string; name: string | undefined }) {
  if (name === undefined) return <span class="muted">–</span>
  return <a href={link(['records', source, name])}>{name}</a>
}
