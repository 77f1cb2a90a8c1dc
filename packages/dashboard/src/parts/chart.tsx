import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import type { Theme } from '../theme'

export interface Line {
  label: string
  /** A custom property of the style sheet. */
  color: `--${string}`
  values: (number | null)[]
  filled?: boolean
}

interface ChartProps {
  title: string
  /** Seconds, ascending. */
  times: number[]
  lines: Line[]
  format(value: number): string
  /** How much of the time is shown. */
  seconds: number
  theme: Theme
}

const HEIGHT = 160
/** Up to this many seconds the axis has a mark a minute. */
const MINUTES = 600
const DAYS = 172_800
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** Lines over time. The legend holds the values: of the last moment, or of the one pointed at. */
export function Chart({ title, times, lines, format, seconds, theme }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(null)
  const [pointed, setPointed] = useState<number | null>(null)
  const data: uPlot.AlignedData = [times, ...lines.map(({ values }) => values)]

  // Only colours need a new one; data and size are set.
  useEffect(() => {
    const element = place.current!
    const made = new uPlot(options(element, { lines, format, seconds, onPoint: setPointed }), data, element)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      made.destroy()
    }
  }, [theme])

  useEffect(() => plot.current?.setData(data), [times])

  const shownAt = pointed ?? times.length - 1
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <ul>
          {lines.map(({ label, color, values }) => {
            const value = values[shownAt]
            return (
              <li key={label}>
                <span class="swatch" style={{ background: `var(${color})` }} />
                {label} <b>{value === null || value === undefined ? '–' : format(value)}</b>
              </li>
            )
          })}
        </ul>
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  )
}

interface Drawn extends Pick<ChartProps, 'lines' | 'format' | 'seconds'> {
  onPoint(index: number | null): void
}

function options(element: HTMLElement, { lines, format, seconds, onPoint }: Drawn): uPlot.Options {
  const muted = colorOf(element, '--muted')
  const grid = { stroke: colorOf(element, '--line'), width: 1 }
  const axis = { stroke: muted, font: '11px system-ui, sans-serif', grid, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { range: (_, __, max) => [(max ?? Date.now() / 1000) - seconds, max ?? Date.now() / 1000] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 45,
        values: timeAxis(seconds),
        ...(seconds <= MINUTES && { incrs: [60, 120] }),
      },
      { ...axis, size: 56, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ color, filled }) => {
        const stroke = colorOf(element, color)
        return { stroke, width: 1.5, points: { show: false }, ...(filled && { fill: translucent(stroke) }) }
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  }
}

/** The marks of an axis that long: times of the day, or days. */
const timeAxis = (seconds: number) => (_: uPlot, ticks: number[]) =>
  ticks.map(tick => (seconds > DAYS ? DAY : TIME).format(tick * 1000))

/** What a custom property is in the theme that is shown: a canvas does not know them. */
function colorOf(element: HTMLElement, property: string): string {
  element.style.color = `var(${property})`
  const { color } = getComputedStyle(element)
  element.style.color = ''
  return color
}

const translucent = (rgb: string) => rgb.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.12)')
