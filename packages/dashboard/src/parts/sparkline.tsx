interface SparklineProps {
  /** One for each step, oldest first; `null`: not known. */
  counts: (number | null)[]
  /** The share of each that failed. */
  failing: (number | null)[]
  /** For those who do not see it. */
  title: string
}

const WIDTH = 120
const HEIGHT = 24

/** Bars over time; the part that failed is red. */
export function Sparkline({ counts, failing, title }: SparklineProps) {
  const most = Math.max(1, ...counts.map(value => value ?? 0))
  const step = WIDTH / counts.length
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title} preserveAspectRatio="none">
      {counts.map((value, i) => {
        if (!value) return null
        const height = Math.max(1, (value / most) * HEIGHT)
        const failed = height * (failing[i] ?? 0)
        const bar = { x: i * step, width: Math.max(0.5, step - 0.5) }
        return (
          <g key={i}>
            <rect {...bar} y={HEIGHT - height} height={height - failed} />
            <rect {...bar} y={HEIGHT - failed} height={failed} class="failing" />
          </g>
        )
      })}
    </svg>
  )
}
