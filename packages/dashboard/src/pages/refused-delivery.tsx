import { useState } from 'preact/hooks'
import { ApiError, acceptRefused, getRefusedDelivery, verifyRefused } from '../api/client'
import type { Finding, RefusedDelivery } from '../api/types'
import { bytes, count } from '../format'
import { StatusBadge } from '../parts/badges'
import { BodyView } from '../parts/body-view'
import { Confirm } from '../parts/confirm'
import { DeliveryPanel } from '../parts/delivery-panel'
import { Differences } from '../parts/differences'
import { Empty, Loading } from '../parts/empty'
import { Failure } from '../parts/failure'
import { Findings } from '../parts/findings'
import { useLoad } from '../parts/load'
import { Moment } from '../parts/moment'
import { notify } from '../parts/notice'
import { link } from '../router'

/** One refused delivery: why, what it brought, and what can be done about it. */
export function RefusedPage({ source, id }: { source: string; id: string }) {
  const { data: refused, error, reload } = useLoad(() => getRefusedDelivery(source, id), [source, id])
  const absent = error instanceof ApiError && error.status === 404
  return (
    <>
      <p class="crumbs">
        <a href={link(['refused'])}>Refused</a> / <a href={link(['refused'], { source })}>{source}</a>
      </p>
      <div class="page-head">
        <h1>Refused delivery</h1>
        {refused !== undefined && <StatusBadge status={refused.status} />}
      </div>
      {absent ? (
        <Empty title="This delivery is not kept any more">
          <p>Refused deliveries are kept for a day, 1,000 of a source.</p>
        </Empty>
      ) : error !== undefined ? (
        <Failure error={error} retry={reload} />
      ) : refused === undefined ? (
        <Loading />
      ) : (
        <>
          <Reasons refused={refused} onAccepted={reload} />
          <Facts refused={refused} />
          {refused.first !== undefined && (
            <section class="panel">
              <h2>What differs from the first delivery</h2>
              <Differences first={refused.first} second={refused} />
            </section>
          )}
          <Content refused={refused} />
        </>
      )}
    </>
  )
}

function Reasons({ refused, onAccepted }: { refused: RefusedDelivery; onAccepted(): void }) {
  const { source, id, outcome, body_bytes } = refused
  const [verified, setVerified] = useState<{ verifies: boolean; findings: Finding[] }>()
  const [asking, setAsking] = useState(false)
  const [error, setError] = useState<unknown>()
  const findings = verified?.findings ?? refused.findings
  const isUnauthorized = outcome === 'unauthorized'

  const verify = () => {
    setError(undefined)
    verifyRefused(source, id).then(setVerified, setError)
  }
  return (
    <div>
      {verified !== undefined && (
        <p role="status">
          {verified.verifies ? 'Its signature is right by now.' : 'Its signature is still not right.'}
        </p>
      )}
      <Findings findings={findings} />
      {isUnauthorized && body_bytes !== null && (
        <div class="actions">
          <button type="button" onClick={verify}>
            Verify again
          </button>
          <button type="button" class="danger" onClick={() => setAsking(true)}>
            Accept anyway…
          </button>
        </div>
      )}
      {error !== undefined && <Failure error={error} />}
      {asking && (
        <Confirm
          title="Accept without a valid signature?"
          action="Accept"
          danger
          onConfirm={async () => {
            const { status } = await acceptRefused(source, id)
            notify(`It was answered ${status}.`)
            onAccepted()
          }}
          onClose={() => setAsking(false)}
        >
          <p>You vouch for it: its handler runs, unless its key has a result already. The audit log says so.</p>
        </Confirm>
      )}
    </div>
  )
}

function Facts({ refused }: { refused: RefusedDelivery }) {
  const { at, peer, request_id, key, source, unlogged, accepted_at } = refused
  return (
    <dl class="facts">
      <div>
        <dt>Refused</dt>
        <dd>
          <Moment at={at} />
        </dd>
      </div>
      <div>
        <dt>From</dt>
        <dd>{peer}</dd>
      </div>
      <div>
        <dt>Request id</dt>
        <dd>
          <code>{request_id}</code>
        </dd>
      </div>
      {key !== null && (
        <div>
          <dt>Key</dt>
          <dd>
            <a href={link(['records', source, key])}>{key}</a>
          </dd>
        </div>
      )}
      {unlogged > 0 && (
        <div>
          <dt>Alike before it</dt>
          <dd>{count(unlogged)}</dd>
        </div>
      )}
      {accepted_at !== null && (
        <div>
          <dt>Accepted</dt>
          <dd>
            <Moment at={accepted_at} />
          </dd>
        </div>
      )}
    </dl>
  )
}

function Content({ refused }: { refused: RefusedDelivery }) {
  const { body, body_bytes } = refused
  const kept = body === null ? 0 : new TextEncoder().encode(body).length
  return (
    <DeliveryPanel delivery={refused}>
      {body_bytes === null ? (
        <p class="muted">Its body was not read.</p>
      ) : (
        <>
          <BodyView body={refused} title="body of the delivery" />
          {body_bytes > kept && refused.body_encoding === 'utf8' && (
            <p class="muted">The body has {bytes(body_bytes)}; its beginning was kept.</p>
          )}
        </>
      )}
    </DeliveryPanel>
  )
}
