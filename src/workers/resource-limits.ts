/**
 * How much of the heap a thread may fill with what is new before it is collected. Node's own limit is three times 16 MiB a
 * thread; threads that go through blocks leave garbage quickly and reach it whatever they do, at no gain in speed.
 */
export const throughBlocks = { maxYoungGenerationSizeMb: 12 } as const
