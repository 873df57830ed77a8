//! What waits to be sent to one peer: bounded, the oldest dropped first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// The two kinds of frame that an announce stream carries after its Status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Hashes,
    Block,
}

/// Frames for one peer, in order. Filled by anybody, emptied by the peer's writer.
///
/// A peer that does not read loses the oldest news first: they are the ones it can most likely
/// have from others by now.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Mutex<VecDeque<(FrameKind, Bytes)>>,
    changed: Notify,
    hashes: usize,
    blocks: usize,
    dropped: AtomicU64,
}

impl Outbox {
    pub(super) fn new(hashes: usize, blocks: usize) -> Self {
        Self {
            queue: Mutex::new(VecDeque::new()),
            changed: Notify::new(),
            hashes,
            blocks,
            dropped: AtomicU64::new(0),
        }
    }

    /// Adds a frame; the oldest of its kind goes when there are too many.
    pub(super) fn push(&self, kind: FrameKind, frame: Bytes) {
        let limit = match kind {
            FrameKind::Hashes => self.hashes,
            FrameKind::Block => self.blocks,
        };
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.push_back((kind, frame));
        if queue.iter().filter(|(other, _)| *other == kind).count() > limit {
            if let Some(oldest) = queue.iter().position(|(other, _)| *other == kind) {
                queue.remove(oldest);
            }
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        drop(queue);
        self.changed.notify_one();
    }

    /// The next frame, if there is one.
    pub(super) fn try_next(&self) -> Option<Bytes> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pop_front().map(|(_, frame)| frame)
    }

    /// Waits until something may have been added since the last call. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Frames dropped so far because the peer did not read fast enough.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &Outbox) -> Vec<Bytes> {
        std::iter::from_fn(|| outbox.try_next()).collect()
    }

    #[test]
    fn each_kind_drops_its_own_oldest() {
        let outbox = Outbox::new(2, 1);
        for frame in [&b"h1"[..], b"h2", b"h3"] {
            outbox.push(FrameKind::Hashes, Bytes::from_static(frame));
        }
        outbox.push(FrameKind::Block, Bytes::from_static(b"b1"));
        outbox.push(FrameKind::Block, Bytes::from_static(b"b2"));
        assert_eq!(outbox.dropped(), 2);
        assert_eq!(drain(&outbox), ["h2", "h3", "b2"].map(Bytes::from));
    }

    #[tokio::test]
    async fn what_came_before_the_wait_ends_it() {
        let outbox = Outbox::new(1, 1);
        outbox.push(FrameKind::Hashes, Bytes::from_static(b"h"));
        outbox.changed().await;
        assert!(outbox.try_next().is_some());
    }
}
