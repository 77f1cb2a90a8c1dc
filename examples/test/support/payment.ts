import { deliver, type Received } from './webhook.js'

export const PAYMENT = { payment: 'pay_123', cents: 1250 }

export const pay = (url: string): Promise<Received> => deliver(`${url}/webhook`, 'pay-1', PAYMENT)

/** Many deliveries of one payment to each process, all at once; the answers without what tells first and others apart. */
export async function payAtOnce(urls: string[]): Promise<{ answers: Set<string>; executed: number }> {
  const received = await Promise.all(urls.flatMap(url => Array.from({ length: 10 }, () => pay(url))))
  return {
    answers: new Set(received.map(({ status, body }) => `${status} ${body}`)),
    executed: received.filter(({ cached }) => !cached).length,
  }
}
