import { SingleBar } from 'cli-progress'

/** Displays the progress of a task. */
export type Progress = { advance: (done: number) => void; end: () => void }

/** Starts a progress bar on a terminal; elsewhere prints a line per 10 %. */
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
  let printed = 0
  return {
    advance: (done) => {
      const tenths = Math.floor((done * 10) / total)
      if (tenths === printed) return
      printed = tenths
      output.write(`${title}: ${done} of ${total} (${tenths * 10} %), ${rate(done)}/s\n`)
    },
    end: () => {},
  }
}
