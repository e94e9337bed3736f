let lastWords = 'The schema engine stopped unexpectedly'

/**
 * Gives the engine the place where it leaves its last words.
 *
 * Its glue code calls this global by name right before a panic, and nothing in the package defines it.
 */
export const registerPanics = (): void => {
  Reflect.set(globalThis, 'PRISMA_WASM_PANIC_REGISTRY', {
    set_message: (message: string) => {
      lastWords = message
    },
  })
}

/** The message of the last panic, which a WebAssembly error does not carry itself. */
export const panicMessage = (): string => lastWords

/**
 * Waits for a call of the engine, or for the panic that leaves its promise open for ever.
 *
 * A panic surfaces as an exception that cannot be caught. It must not end the process: the CLI takes an engine that is gone
 * for a success in some of its commands.
 */
export const untilPanic = async <T>(call: () => Promise<T>): Promise<T> => {
  let stop = (): void => undefined
  const panic = new Promise<never>((_resolve, reject) => {
    process.once('uncaughtException', reject)
    stop = () => process.off('uncaughtException', reject)
  })
  try {
    return await Promise.race([call(), panic])
  } finally {
    stop()
  }
}
