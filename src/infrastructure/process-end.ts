/** Of the whole process, as its end is. */
const tasks = new Set<() => void>()

/**
 * Does `task`, which is synchronous and does not throw, when this process ends in order; gives what takes that back. There
 * is one listener for all of them: from eleven on, Node warns of a leak.
 */
export function onProcessEnd(task: () => void): () => void {
  // What is given twice is meant twice.
  const own = () => task()
  if (tasks.size === 0) process.on('exit', doAll)
  tasks.add(own)
  return () => {
    tasks.delete(own)
    if (tasks.size === 0) process.off('exit', doAll)
  }
}

function doAll(): void {
  for (const task of tasks) task()
}
