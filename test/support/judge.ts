/** What a detector finds in datagrams, through the real decoders and a real store. */
import type { Detector, Judge } from '#core/detectors/detector.js'
import { nothingKnown, type SurroundingsData } from '#core/detectors/surroundings.js'
import type { Observation } from '#core/findings/finding.js'
import { type JudgedDatagram, judgeStore, startJudge, withStore } from '#evaluate/judge.js'

export type { JudgedDatagram } from '#evaluate/judge.js'

/** The last observation of each subject, and the minute in which each was first made. */
export function judgeDatagrams(
  datagrams: Iterable<JudgedDatagram>,
  detector: Detector,
  surroundings: SurroundingsData = nothingKnown,
): Promise<{ observations: Observation[]; firstAt: Map<string, number>; judge: Judge | undefined }> {
  return withStore(datagrams, async (store) => {
    const { alarms, judge } = await judgeStore(store, detector, startJudge(detector, surroundings))
    return {
      observations: [...alarms.values()].map(({ observation }) => observation),
      firstAt: new Map([...alarms].map(([id, { firstAt }]) => [id, firstAt])),
      judge,
    }
  })
}
