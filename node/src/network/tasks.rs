//! Tasks of one kind that a session owns. They end with it.

use tokio::task::{AbortHandle, JoinSet};

/// Running tasks, all with the same kind of result.
#[derive(Debug)]
pub(super) struct Tasks<T>(JoinSet<T>);

impl<T: Send + 'static> Tasks<T> {
    pub(super) fn new() -> Self {
        Self(JoinSet::new())
    }

    pub(super) fn spawn(&mut self, task: impl Future<Output = T> + Send + 'static) -> AbortHandle {
        self.0.spawn(task)
    }

    /// Tasks whose result [`next`](Self::next) has not given yet.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The result of the next task that ends; waits for ever while there is none. Cancel-safe.
    pub(super) async fn next(&mut self) -> T {
        loop {
            match self.0.join_next().await {
                Some(Ok(result)) => return result,
                // A task that panicked is a bug of ours, to be seen and not swallowed; one that was
                // aborted was replaced.
                Some(Err(failed)) => {
                    if let Ok(panic) = failed.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Aborts all of them, and returns when they have ended.
    pub(super) async fn shutdown(&mut self) {
        self.0.shutdown().await;
    }
}
