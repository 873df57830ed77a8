//! What the host verifies and imports, each in a task of its own.

use core::fmt;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use tokio::task::{Id, JoinError, JoinSet};

use crate::input::ImportOutcome;
use crate::types::{BlockHash, BlockNumber, BlockOf, Header, Types};

use super::host::{Chain, HeaderVerdict};

/// The host's work in progress. The fetcher bounds it: it hands over at most
/// [`Config::importing`](crate::Config::importing) blocks at once.
#[derive(Default)]
pub(super) struct Jobs {
    tasks: JoinSet<Answer>,
    running: HashMap<Id, Job, FixedState>,
}

/// What the host has answered, and about which block.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) hash: BlockHash,
    pub(super) number: BlockNumber,
    pub(super) answer: Answer,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Verdict(HeaderVerdict),
    Import(ImportOutcome),
}

#[derive(Clone, Copy, Debug)]
struct Job {
    hash: BlockHash,
    number: BlockNumber,
    work: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Verify,
    Import,
}

impl Jobs {
    pub(super) fn verify<T: Types, C: Chain<T>>(&mut self, chain: Arc<C>, header: T::Header) {
        let job = Job { hash: header.hash(), number: header.number(), work: Work::Verify };
        self.start(job, async move { Answer::Verdict(chain.verify_header(header).await) });
    }

    pub(super) fn import<T: Types, C: Chain<T>>(&mut self, chain: Arc<C>, block: BlockOf<T>) {
        let job = Job { hash: block.header.hash(), number: block.header.number(), work: Work::Import };
        self.start(job, async move { Answer::Import(chain.import(block).await) });
    }

    pub(super) fn import_header<T: Types, C: Chain<T>>(&mut self, chain: Arc<C>, header: T::Header) {
        let job = Job { hash: header.hash(), number: header.number(), work: Work::Import };
        self.start(job, async move { Answer::Import(chain.import_header(header).await) });
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// The next answer; `None` while nothing runs.
    ///
    /// Cancel-safe: an answer is either given, or kept for the next call.
    pub(super) async fn next(&mut self) -> Option<Done> {
        let joined = self.tasks.join_next_with_id().await?;
        Some(self.settle(joined))
    }

    /// The next answer, if one is there.
    pub(super) fn try_next(&mut self) -> Option<Done> {
        let joined = self.tasks.try_join_next_with_id()?;
        Some(self.settle(joined))
    }

    /// Aborts all, and waits until none is left.
    pub(super) async fn stop(&mut self) {
        self.tasks.shutdown().await;
        self.running.clear();
    }

    fn start(&mut self, job: Job, work: impl Future<Output = Answer> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.running.insert(task.id(), job);
    }

    fn settle(&mut self, joined: Result<(Id, Answer), JoinError>) -> Done {
        let (id, answer) = match joined {
            Ok((id, answer)) => (id, Ok(answer)),
            Err(error) => (error.id(), Err(error)),
        };
        let Job { hash, number, work } =
            self.running.remove(&id).expect("a task is entered when it starts, and joined once");
        let answer = answer.unwrap_or_else(|error| {
            match work {
                Work::Verify => {
                    tracing::warn!(block = %hash, number, %error, "the host's verification did not end")
                }
                Work::Import => {
                    tracing::warn!(block = %hash, number, %error, "the host's import did not end")
                }
            }
            work.local_fault()
        });
        Done { hash, number, answer }
    }
}

impl Work {
    fn local_fault(self) -> Answer {
        match self {
            Self::Verify => Answer::Verdict(HeaderVerdict::LocalFault),
            Self::Import => Answer::Import(ImportOutcome::LocalFault),
        }
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("running", &self.running.len()).finish()
    }
}
