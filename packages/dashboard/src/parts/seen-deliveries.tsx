import { useState } from 'preact/hooks'
import type { SeenDelivery } from '../api/types'
import { duration } from '../format'
import { link } from '../router'
import { OutcomeBadge } from './badges'
import { Moment } from './moment'

interface SeenDeliveriesProps {
  deliveries: SeenDelivery[]
  caption: string
}

const FEW = 8

/** Deliveries as they were answered, newest first. */
export function SeenDeliveries({ deliveries, caption }: SeenDeliveriesProps) {
  const [all, setAll] = useState(false)
  return (
    <>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Source</th>
            <th scope="col">Key</th>
            <th scope="col">Outcome</th>
            <th scope="col" class="number wide-only">
              Status
            </th>
            <th scope="col" class="number wide-only">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {(all ? deliveries : deliveries.slice(0, FEW)).map((delivery, i) => (
            <tr key={i}>
              <td>
                <Moment at={delivery.at} far={false} />
              </td>
              <td class="key">{delivery.source}</td>
              <td class="key">
                {delivery.key === null ? (
                  '–'
                ) : (
                  <a href={link(['records', delivery.source, delivery.key])}>{delivery.key}</a>
                )}
              </td>
              <td>
                <OutcomeBadge outcome={delivery.outcome} />
              </td>
              <td class="number wide-only">{delivery.status}</td>
              <td class="number wide-only">{duration(delivery.ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!all && deliveries.length > FEW && (
        <p>
          <button type="button" class="small" onClick={() => setAll(true)}>
            Show all {deliveries.length}
          </button>
        </p>
      )}
    </>
  )
}
