import { createReceiver, Delivery, type Handler, type HeaderList } from 'hookonce'
import type { Sender } from 'hookonce/senders'
import { memoryStore } from 'hookonce/stores/memory'

export const URL_TOLD = 'https://hooks.example.com/hooks/x'

interface Event {
  id?: string
  body?: string | Buffer
  /** With the query. */
  url?: string
  now?: number
  contentType?: string
}

/** A delivery as the sender makes it. `change` is what somebody does to it afterwards. */
export function signed(sender: Sender, event: Event = {}, change: Partial<Delivery> = {}): Delivery {
  const { id = 'id-1', url = URL_TOLD, now = Date.now(), contentType = 'application/json' } = event
  const body = Buffer.from((event.body ?? '{}') as string)
  const headers = [['content-type', contentType], ...sender.sign({ method: 'POST', url, body, id, now })] as HeaderList
  return new Delivery({ method: 'POST', url: url.slice('https://hooks.example.com'.length), headers, body, ...change })
}

export const withHeaders = ({ method, url, headers, body }: Delivery, others: Record<string, string | undefined>) =>
  new Delivery({
    method,
    url,
    body,
    headers: [
      ...headers.filter(([name]) => !(name in others)),
      ...Object.entries(others).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, value]],
      ),
    ],
  })

/** How often the handler of a source runs, and what the deliveries are answered. */
export async function received(sender: Sender, ...deliveries: Delivery[]) {
  let runs = 0
  const handler: Handler = async () => ({ status: 200, headers: [], body: Buffer.from(`run ${++runs}`) })
  const store = memoryStore()
  const source = createReceiver({ store }).source({ name: 'x', sender })
  const answers = []
  for (const delivery of deliveries) {
    const { status, body, headers } = await source.receive(delivery, handler)
    answers.push({ status, text: Buffer.from(body).toString(), type: new Map(headers).get('content-type') })
  }
  await store.close()
  return { runs, answers, statuses: answers.map(({ status }) => status) }
}
