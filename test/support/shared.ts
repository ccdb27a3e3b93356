/** Corpora that belong to others: tests read them where they are and say loudly when they are not there. */
export { findCorpora } from '#evaluate/corpus.js'
