import { type ListQuery, type Receiver, type RecordPage, StoreError } from 'hookonce'
import { InvalidRequest } from '../http/openapi/validation.js'

/** One page of records. @throws {InvalidRequest} `after` is not the `next` of a page @throws {StoreError} */
export async function recordPage(receiver: Receiver, query: ListQuery): Promise<RecordPage> {
  try {
    return await receiver.records(query)
  } catch (error) {
    const refused = error instanceof StoreError && error.effect === 'refused'
    if (query.after === undefined || !refused) throw error
    // A store that is ready has refused the `after`.
    await receiver.ready()
    throw new InvalidRequest('after is not the next of a page')
  }
}
