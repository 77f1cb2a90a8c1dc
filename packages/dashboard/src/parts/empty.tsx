import type { ComponentChildren } from 'preact'

/** Instead of a list without entries: says so, and what would change it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}

export function Loading() {
  return (
    <p class="muted" aria-busy="true">
      Loading…
    </p>
  )
}
