/** A body that arrives in these pieces, one for each read. */
export function bodyOf(pieces: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const left = pieces[Symbol.iterator]()
  return new ReadableStream(
    {
      pull(controller) {
        const { done, value } = left.next()
        if (done) return controller.close()
        controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
}

/** The bytes in one piece; in two, for every place to split at; each byte by itself. */
export function* everySplit(bytes: Uint8Array, step = 1): Generator<Uint8Array[]> {
  yield [bytes]
  for (let at = step; at < bytes.length; at += step) yield [bytes.subarray(0, at), bytes.subarray(at)]
  yield Array.from(bytes, (byte) => Uint8Array.of(byte))
}
