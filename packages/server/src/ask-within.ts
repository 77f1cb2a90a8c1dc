import { StoreError } from 'hookonce'

/** The store's answer, or a {@link StoreError} when it takes longer than `ms`. */
export async function askWithin<T>(ms: number, question: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StoreError(`the store did not answer within ${ms} ms`, 'unknown')), ms)
  })
  try {
    return await Promise.race([question, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
