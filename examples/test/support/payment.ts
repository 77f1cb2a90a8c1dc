import { deliver, type Received } from './webhook.js'

export const PAYMENT = { payment: 'pay_123', cents: 1250 }

export const pay = (url: string): Promise<Received> => deliver(`${url}/webhook`, 'pay-1', PAYMENT)

/** As a sender that goes on until it is told an end: what the lease of a dead process holds up is answered 409. */
export async function payUntilDone(url: string): Promise<Received> {
  for (;;) {
    const received = await pay(url)
    if (received.status !== 409) return received
  }
}

/** Many deliveries of one payment to each process, all at once; the answers without what tells first and others apart. */
export async function payAtOnce(urls: string[]): Promise<{ answers: Set<string>; executed: number }> {
  const received = await Promise.all(urls.flatMap(url => Array.from({ length: 10 }, () => pay(url))))
  return {
    answers: new Set(received.map(({ status, body }) => `${status} ${body}`)),
    executed: received.filter(({ cached }) => !cached).length,
  }
}
