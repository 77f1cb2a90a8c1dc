/** One of server-sent events. */
export interface ServerSentEvent {
  name: string
  data: string
}

/** The events of a stream whose lines end with `\n`, as this server writes them. */
export async function* eventsIn(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = parts.pop()!
    for (const part of parts) yield eventOf(part)
  }
}

function eventOf(text: string): ServerSentEvent {
  const lines = text.split('\n').map(line => /^(\w+): ?(.*)$/.exec(line) ?? [])
  const field = (wanted: string) => lines.flatMap(([, name, value = '']) => (name === wanted ? [value] : []))
  return { name: field('event')[0] ?? 'message', data: field('data').join('\n') }
}
