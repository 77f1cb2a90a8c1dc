import { useEffect, useState } from 'preact/hooks'

export interface Loaded<T> {
  data: T | undefined
  error: unknown
  /** Asks again; what is shown stays until the answer comes. */
  reload(): void
}

/** What `load` gives, asked for again whenever one of `inputs` changes. Answers that come too late are dropped. */
export function useLoad<T>(load: () => Promise<T>, inputs: readonly (string | undefined)[]): Loaded<T> {
  const asked = JSON.stringify(inputs)
  const [loaded, setLoaded] = useState<{ asked: string; data?: T; error?: unknown }>({ asked })
  const [round, setRound] = useState(0)
  useEffect(() => {
    let current = true
    load().then(
      data => current && setLoaded({ asked, data }),
      (error: unknown) => current && setLoaded({ asked, error }),
    )
    return () => {
      current = false
    }
  }, [asked, round])
  const { data, error } = loaded.asked === asked ? loaded : {}
  return { data, error, reload: () => setRound(round => round + 1) }
}
