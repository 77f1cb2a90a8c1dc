let end: Promise<void> | undefined

/**
 * Resolves at the end of this iteration of the event loop, for all its callers together: their answers are written in one
 * batch. Written one by one, each wakes the receiving process, which costs more than the write on a busy machine.
 */
export function nextWriteBatch(): Promise<void> {
  end ??= new Promise(resolve =>
    setImmediate(() => {
      end = undefined
      resolve()
    }),
  )
  return end
}
