/**
 * The result of a worker's call. Rejects with `late` after `seconds`; the call itself goes on, so
 * the caller should end its worker.
 */
export async function within<T>(seconds: number, call: Promise<T>, late: Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late), seconds * 1000);
  });
  try {
    return await Promise.race([call, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
