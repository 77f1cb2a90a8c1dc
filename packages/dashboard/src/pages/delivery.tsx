import { ApiError, getDelivery } from '../api/client'
import { OutcomeBadge } from '../parts/badges'
import { DeliveryPanel } from '../parts/delivery-panel'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { link } from '../router'

/** One kept delivery with its content. */
export function DeliveryPage({ source, id }: { source: string; id: string }) {
  const { data, error, reload } = useLoad(() => getDelivery(source, id), [source, id])
  return (
    <>
      <p class="crumbs">
        <a href={link(['deliveries'])}>Deliveries</a> / <a href={link(['deliveries'], { source })}>{source}</a>
      </p>
      <div class="page-head">
        <h1 class="key">{data?.key ?? 'Delivery'}</h1>
        {data !== undefined && <OutcomeBadge outcome={data.outcome} />}
      </div>
      {error instanceof ApiError && error.status === 404 ? (
        <Empty title="This delivery is not kept any more">
          <p>Deliveries are kept for a week, 10,000 of a source; those of an inbox as long as their record.</p>
        </Empty>
      ) : error !== undefined ? (
        <Failure error={error} retry={reload} />
      ) : data === undefined ? (
        <Loading />
      ) : (
        <>
          <p>
            <Moment at={data.at} />
            {data.key !== null && (
              <>
                {' · '}
                <a href={link(['records', source, data.key])}>What became of it</a>
              </>
            )}
          </p>
          <DeliveryPanel delivery={data.delivery} />
        </>
      )}
    </>
  )
}
