import type { ComponentChildren } from 'preact'
import type { Delivery } from '../api/types'
import { BodyView } from './body-view'
import { HeaderList } from './header-list'
import { visible } from './visible'

/** What a delivery brought. `children` stand in place of its body. */
export function DeliveryPanel({ delivery, children }: { delivery: Delivery; children?: ComponentChildren }) {
  return (
    <section class="panel">
      <h2>
        Delivery <code>{delivery.method}</code> <code>{visible(delivery.url)}</code>
      </h2>
      <HeaderList headers={delivery.headers} />
      {children ?? <BodyView body={delivery} title="body of the delivery" />}
    </section>
  )
}
