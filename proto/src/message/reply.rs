//! Answers put together from bytes that are encoded already.

use crate::limits::Limits;
use crate::rlp::ListEncoder;

/// Most bytes of a frame that are not items: the message code, two list prefixes and the request
/// id, at nine bytes each.
const OVERHEAD: usize = 1 + 3 * 9;

/// A reply in the making: headers or bodies, each as the bytes that arrived, up to the limits.
#[derive(Debug)]
pub struct Reply {
    request_id: u64,
    items: Vec<u8>,
    count: usize,
    count_max: usize,
    reply_bytes: usize,
    frame_bytes: usize,
}

/// What became of an item given to [`Reply::push`]. Closed on purpose: who serves must stop at two
/// of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a full reply takes nothing more"]
pub enum PushOutcome {
    /// The item is in, and another may follow.
    Added,
    /// The item is in, and is the last.
    AddedLast,
    /// The item is not in: it would pass the frame's limit. The reply is as it was.
    Refused,
}

impl Reply {
    /// A reply to a request for headers.
    #[must_use]
    pub fn headers(request_id: u64, limits: &Limits) -> Self {
        Self::new(request_id, limits.headers, limits)
    }

    /// A reply to a request for bodies.
    #[must_use]
    pub fn bodies(request_id: u64, limits: &Limits) -> Self {
        Self::new(request_id, limits.bodies, limits)
    }

    fn new(request_id: u64, count_max: usize, limits: &Limits) -> Self {
        Self {
            request_id,
            items: Vec::new(),
            count: 0,
            count_max,
            reply_bytes: limits.reply_bytes,
            frame_bytes: limits.frame_bytes,
        }
    }

    /// Adds a header or body by its encoding, which must be whole and canonical.
    pub fn push(&mut self, raw: &[u8]) -> PushOutcome {
        let bytes = self.items.len().saturating_add(raw.len());
        let framed = bytes.saturating_add(OVERHEAD);
        if self.count == self.count_max || framed > self.frame_bytes {
            return PushOutcome::Refused;
        }
        self.items.extend_from_slice(raw);
        self.count += 1;
        if self.count == self.count_max || bytes >= self.reply_bytes {
            PushOutcome::AddedLast
        } else {
            PushOutcome::Added
        }
    }

    /// How many items are in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The payload of BlockHeaders or BlockBodies.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        wrap(self.request_id, &self.items)
    }
}

/// `[requestId, [item, …]]` of `items`, each encoded already.
pub(super) fn wrap(request_id: u64, items: &[u8]) -> Vec<u8> {
    let mut payload = ListEncoder::with_capacity(items.len() + OVERHEAD);
    payload.u64(request_id).list(|list| {
        list.raw(items);
    });
    payload.finish()
}
