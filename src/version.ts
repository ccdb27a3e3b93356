/** The version that the command line, the API and the metrics show; a test holds it to package.json. */
export const VERSION = '0.1.0'
