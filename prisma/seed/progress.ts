import { SingleBar } from 'cli-progress'

/** Tells how far a piece of work is. */
export type Progress = { advance: (done: number) => void; end: () => void }

/** A bar on a terminal; elsewhere a line for every tenth of the work, which logs can keep. */
export function startProgress(title: string, total: number, output: NodeJS.WriteStream): Progress {
  const startedAt = performance.now()
  const rate = (done: number) => Math.round(done / Math.max(0.001, (performance.now() - startedAt) / 1_000))
  if (output.isTTY) {
    const bar = new SingleBar({
      stream: output,
      format: `${title} {bar} {percentage} %  {value}/{total}  {rate}/s`,
      hideCursor: true,
    })
    bar.start(total, 0, { rate: 0 })
    return { advance: (done) => bar.update(done, { rate: rate(done) }), end: () => bar.stop() }
  }
  let told = 0
  return {
    advance: (done) => {
      const tenths = Math.floor((done * 10) / total)
      if (tenths === told) return
      told = tenths
      output.write(`${title}: ${done} of ${total} (${tenths * 10} %), ${rate(done)}/s\n`)
    },
    end: () => {},
  }
}
