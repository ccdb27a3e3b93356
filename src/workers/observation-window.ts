/**
 * How many observations may be on their way to who writes them. Writing is slower than judging while rows are caught up
 * with; without a bound what waits would fill the memory.
 */
export type ObservationWindow = {
  /** Counts some that were sent; resolves when there is room for more. */
  sent(count: number): Promise<void>
  /** Some have been written, or refused. */
  taken(count: number): void
}

export function createObservationWindow(most: number): ObservationWindow {
  let underWay = 0
  let goOn: (() => void) | undefined
  return {
    async sent(count) {
      underWay += count
      while (underWay > most) {
        await new Promise<void>((resolve) => {
          goOn = resolve
        })
      }
    },
    taken(count) {
      underWay -= count
      goOn?.()
    },
  }
}
