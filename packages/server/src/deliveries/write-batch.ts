let end: Promise<void> | undefined

/**
 * Resolves at the end of this turn of the event loop, for all who ask in it together: answers that were made in one
 * turn leave one after the other. Written one by one each wakes the other side, and on a busy machine waking costs more
 * than writing.
 */
export function turnEnd(): Promise<void> {
  end ??= new Promise(resolve =>
    setImmediate(() => {
      end = undefined
      resolve()
    }),
  )
  return end
}
