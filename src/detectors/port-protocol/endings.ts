/** Which conversations are to be looked at in which minute: a list a minute, in the order in which they were put there. */
export class Endings {
  /** The minute of what `next` last gave. */
  minute = 0
  private readonly lists = new Map<number, number[]>()
  private earliest = Number.POSITIVE_INFINITY
  private list: number[] = []
  private taken = 0

  add(minute: number, slot: number): void {
    const list = this.lists.get(minute)
    if (list !== undefined) list.push(slot)
    else this.lists.set(minute, [slot])
    if (minute >= this.earliest) return
    this.dropTaken()
    this.earliest = minute
    this.list = this.lists.get(minute)!
  }

  /** The next of the earliest minute that has any, up to one; -1 when there are no more. */
  next(upTo: number): number {
    while (this.earliest <= upTo) {
      if (this.taken < this.list.length) {
        this.minute = this.earliest
        return this.list[this.taken++]!
      }
      if (!this.advance()) break
    }
    return -1
  }

  private advance(): boolean {
    this.lists.delete(this.earliest)
    this.taken = 0
    this.earliest = Number.POSITIVE_INFINITY
    for (const minute of this.lists.keys()) this.earliest = Math.min(this.earliest, minute)
    this.list = this.lists.get(this.earliest) ?? []
    return this.lists.size > 0
  }

  /** Leaves a minute half taken for an earlier one. */
  private dropTaken(): void {
    if (this.taken > 0) this.list.splice(0, this.taken)
    this.taken = 0
  }
}
