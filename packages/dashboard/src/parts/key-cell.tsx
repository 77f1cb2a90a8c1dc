import type { ComponentChildren } from 'preact'

interface KeyCellProps {
  href: string
  text: string
  source: string
  children?: ComponentChildren
}

/** The first cell of a list's row. */
export function KeyCell({ href, text, source, children }: KeyCellProps) {
  return (
    <td class="key">
      <a href={href}>{text}</a>
      <span class="muted block">{source}</span>
      {children}
    </td>
  )
}
