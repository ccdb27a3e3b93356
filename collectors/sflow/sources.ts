/**
 * The data sources of an agent, interfaces as a rule: each numbers its samples apart, and says with each flow sample how
 * many packets it could have sampled (sample_pool) and how many samples it had to drop. From these come what is missing
 * and the sampling interval that was really in force.
 */
import type { SflowSample } from './samples.js'

/** A jump of a sample number beyond this is a new start, not a loss that anyone could count. */
const LARGEST_GAP = 1_000_000
/** A pool that grew by more than this between two samples was begun anew. */
const LARGEST_POOL_STEP = 0x7fff_ffff

export type DataSource = {
  readonly sourceType: number
  readonly sourceIndex: number
  /** Of the latest flow sample; -1 before one came. */
  sequenceNumber: number
  drops: number
  samplePool: number
  samplingRate: number
  /** Of the latest counter sample; -1 before one came. */
  counterSequenceNumber: number
  /** Flow samples that came since the first, or since the sampling rate changed, and the packets they stand for. */
  samples: number
  poolPackets: number
  missingSamples: number
  droppedSamples: number
}

export function makeSource({ sourceType, sourceIndex }: SflowSample): DataSource {
  return {
    sourceType,
    sourceIndex,
    sequenceNumber: -1,
    drops: 0,
    samplePool: 0,
    samplingRate: 0,
    counterSequenceNumber: -1,
    samples: 0,
    poolPackets: 0,
    missingSamples: 0,
    droppedSamples: 0,
  }
}

/**
 * Notes the numbers of a flow sample: returns how many before it never came or were dropped by the agent. A smaller
 * number is a late datagram or a new start, and no loss.
 */
export function noteFlowSample(source: DataSource, sample: SflowSample): number {
  const { sequenceNumber, drops, samplePool, samplingRate } = sample
  if (source.sequenceNumber < 0) {
    source.sequenceNumber = sequenceNumber
    source.drops = drops
    source.samplePool = samplePool
    source.samplingRate = samplingRate
    return 0
  }
  const step = (sequenceNumber - source.sequenceNumber) | 0
  const missing = step > 1 && step <= LARGEST_GAP ? step - 1 : 0
  const more = (drops - source.drops) | 0
  const dropped = step > 0 && more > 0 && more <= LARGEST_GAP ? more : 0
  const poolStep = (samplePool - source.samplePool) >>> 0
  if (samplingRate !== source.samplingRate) {
    source.samplingRate = samplingRate
    source.samples = 0
    source.poolPackets = 0
  } else {
    source.samples++
    if (step > 0 && step <= LARGEST_GAP && poolStep <= LARGEST_POOL_STEP) source.poolPackets += poolStep
  }
  if (step > 0 || step < -LARGEST_GAP || sequenceNumber === 1) {
    source.sequenceNumber = sequenceNumber
    source.drops = drops
    source.samplePool = samplePool
  }
  source.missingSamples += missing
  source.droppedSamples += dropped
  return missing + dropped
}

/** Notes the number of a counter sample: returns how many before it never came. */
export function noteCounterSample(source: DataSource, sequenceNumber: number): number {
  const step = (sequenceNumber - source.counterSequenceNumber) | 0
  const isFirst = source.counterSequenceNumber < 0
  if (isFirst || step > 0 || step < -LARGEST_GAP || sequenceNumber === 1)
    source.counterSequenceNumber = sequenceNumber
  return !isFirst && step > 1 && step <= LARGEST_GAP ? step - 1 : 0
}

/**
 * One packet of so many, by the packets that could have been sampled and the samples that came: with losses on the way
 * it is more than the agent says. Undefined while nothing is known, or the agent sends no pool.
 */
export function effectiveInterval(samples: number, poolPackets: number): number | undefined {
  if (samples === 0 || poolPackets < samples) return undefined
  return Math.round((poolPackets / samples) * 10) / 10
}
