import { useEffect, useState } from 'preact/hooks'

const notices = new EventTarget()
const SHOWN_MS = 6000

/** Says for a while, wherever one is by then, that something was done. */
export function notify(text: string): void {
  notices.dispatchEvent(new CustomEvent('notice', { detail: text }))
}

export function Notice() {
  const [text, setText] = useState('')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = (event: Event) => {
      clearTimeout(timer)
      setText((event as CustomEvent<string>).detail)
      timer = setTimeout(() => setText(''), SHOWN_MS)
    }
    notices.addEventListener('notice', show)
    return () => {
      clearTimeout(timer)
      notices.removeEventListener('notice', show)
    }
  }, [])
  return (
    <div class="notice" role="status">
      {text}
    </div>
  )
}
