/** Every shape test: conversations that meet it, and conversations that do not. */
import { type Made, tcp, udp } from './made.js'

// IPv4 and UDP headers are 28 octets, IPv4 and TCP without options 40.
export const shapes: readonly (readonly [code: string, met: Made[], notMet: Made[]])[] = [
  [
    'answers-smaller-than-questions',
    // 92 octets of payload up, 24 down: 68 less.
    [udp(53, { up: [1, 120], down: [1, 52], times: 8 })],
    [udp(53, { up: [1, 70], down: [1, 59], times: 8 })],
  ],
  [
    'more-answers-than-requests',
    [
      udp(161, { up: [60, 6000], down: [90, 20_000], seconds: 40, times: 2, every: 900 }),
      udp(53, { up: [40, 2800], down: [80, 9000], seconds: 50 }),
    ],
    [udp(161, { up: [60, 6000], down: [60, 20_000], seconds: 40 })],
  ],
  [
    'one-port-with-large-questions',
    [udp(53, { up: [120, 17_760], down: [120, 20_000], seconds: 1200 })],
    // A stub that uses a port for each question.
    [udp(53, { up: [1, 148], down: [1, 300], times: 120, every: 10 })],
  ],
  [
    'one-port-for-minutes',
    [udp(53, { up: [120, 8000], down: [120, 20_000], seconds: 1200 })],
    // An old forwarder that asks from port 53.
    [udp(53, { clientPort: 53, up: [120, 8000], down: [120, 20_000], seconds: 1200 })],
  ],
  [
    'large-answer-to-small-request',
    [tcp(53, { up: [23, 1292], down: [23, 28_411], times: 12, every: 30 })],
    [tcp(53, { up: [6, 420], down: [5, 3000], times: 4, every: 30 })],
  ],
  [
    'tcp-without-udp',
    [tcp(53, { up: [6, 700], down: [6, 2000], times: 14, every: 30 })],
    [
      tcp(53, { up: [6, 700], down: [6, 2000], times: 14, every: 30 }),
      udp(53, { up: [1, 70], down: [1, 200], times: 20, every: 20, clientPort: 50_000 }),
    ],
  ],
  [
    'interactive-session',
    [tcp(443, { up: [1000, 85_000], down: [990, 121_000], seconds: 1200 })],
    [tcp(443, { up: [1000, 85_000], down: [1500, 1_500_000], seconds: 1200 })],
  ],
  [
    'opener-answers-responder',
    [tcp(8443, { up: [131, 134_875], down: [214, 11_980], seconds: 1188 })],
    // An upload: acknowledgements of every second segment.
    [tcp(8443, { up: [5000, 7_000_000], down: [2500, 130_000], seconds: 1188 })],
  ],
  [
    'not-the-size-of-ntp',
    [udp(123, { up: [40, 3040], down: [40, 12_000], seconds: 100, times: 2, every: 600 })],
    [udp(123, { up: [40, 3040], down: [40, 3040], seconds: 2400 })],
  ],
  [
    'smaller-than-ntp',
    [udp(123, { up: [40, 1600], down: [40, 1600], seconds: 2400 })],
    [udp(123, { up: [40, 3040], down: [40, 3040], seconds: 2400 })],
  ],
  [
    'between-ntp-and-nts',
    [udp(123, { up: [160, 32_000], down: [160, 32_000], seconds: 2400 })],
    // NTS: 228 octets behind the headers.
    [udp(123, { up: [160, 40_960], down: [160, 40_960], seconds: 2400 })],
  ],
  [
    'faster-than-ntp',
    [udp(123, { up: [2000, 152_000], down: [2000, 152_000], seconds: 600 })],
    [udp(123, { up: [300, 22_800], down: [300, 22_800], seconds: 4800 })],
  ],
  [
    'server-answers-from-69',
    [udp(69, { up: [50, 5000], down: [50, 20_000], seconds: 60 })],
    [udp(69, { up: [2, 100], down: [0, 0] })],
  ],
  [
    'collector-answers',
    [udp(514, { up: [50, 9000], down: [50, 5000], seconds: 60 })],
    [udp(514, { up: [500, 90_000], down: [0, 0], seconds: 600 })],
  ],
  [
    'smaller-than-dhcp',
    [udp(67, { clientPort: 68, up: [50, 5000], down: [50, 17_000], seconds: 200 })],
    [udp(67, { clientPort: 68, up: [50, 16_400], down: [50, 17_000], seconds: 200 })],
  ],
  [
    'no-quic-initial',
    [udp(443, { up: [6, 720], down: [6, 800], times: 14, every: 60, seconds: 2 })],
    [udp(443, { up: [12, 4000], down: [16, 14_000], times: 14, every: 60, seconds: 2 })],
  ],
  [
    'small-datagrams-for-minutes',
    [udp(443, { up: [60, 7200], down: [60, 8000], seconds: 1800 })],
    [udp(443, { up: [600, 72_000], down: [900, 900_000], seconds: 1800 })],
  ],
  [
    'no-key-exchange',
    [tcp(22, { up: [8, 600], down: [30, 40_000], times: 8, every: 60 })],
    [tcp(22, { up: [16, 3200], down: [18, 40_000], times: 8, every: 60 })],
  ],
  [
    'server-sends-the-mail',
    [tcp(25, { up: [60, 4000], down: [80, 100_000], times: 5, every: 60 })],
    [tcp(25, { up: [80, 100_000], down: [60, 4000], times: 5, every: 60 })],
  ],
  [
    'smaller-than-sip',
    [udp(5060, { up: [200, 16_000], down: [200, 16_000], seconds: 900 })],
    // A phone that keeps its binding open.
    [udp(5060, { up: [200, 6400], down: [200, 6400], seconds: 900 })],
  ],
  [
    'client-sends-the-mail',
    [tcp(995, { up: [200, 200_000], down: [200, 20_000], seconds: 20 })],
    [tcp(995, { up: [3000, 180_000], down: [3000, 900_000], seconds: 60 })],
  ],
  [
    'larger-than-modbus',
    [tcp(502, { up: [100, 6000], down: [100, 120_000], seconds: 60 })],
    [tcp(502, { up: [1000, 52_000], down: [1000, 290_000], seconds: 60 })],
  ],
  [
    'sessions-of-seconds',
    [tcp(179, { up: [20, 4000], down: [20, 4000], seconds: 5, times: 12, every: 60 })],
    [tcp(179, { up: [2000, 140_000], down: [2000, 140_000], seconds: 2400 })],
  ],
  [
    'no-screen-sent',
    [tcp(3389, { up: [200, 20_000], down: [200, 14_000], seconds: 900 })],
    [tcp(3389, { up: [2000, 200_000], down: [4000, 3_000_000], seconds: 900 })],
  ],
]
