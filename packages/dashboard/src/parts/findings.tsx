import type { Finding } from '../api/types'
import { visible } from './visible'

/** Why a delivery was refused. */
export function Findings({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return null
  return (
    <ul class="findings">
      {findings.map(({ code, text }) => (
        <li key={code + text}>{visible(text)}</li>
      ))}
    </ul>
  )
}
