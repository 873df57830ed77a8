//! What a handle asks of the task. Both ends of the queue know this, and it knows neither.

use tokio::sync::oneshot;

use crate::fetcher::{Counters, FetcherStatus};
use crate::input::Input;
use crate::output::{Admission, Outcome};
use crate::types::{BlockHash, BlockNumber, Body, Header, Types};

pub(super) enum Call<T: Types> {
    /// Hand this in.
    Tell(Input<T>),
    /// Hand this in, and answer with what came of it.
    Ask { input: Input<T>, answer: oneshot::Sender<Outcome<T>> },
    /// Hand these announcements in, and answer with what came of each.
    AnnounceMany {
        peer: T::PeerId,
        blocks: Vec<(BlockHash, BlockNumber)>,
        answer: oneshot::Sender<Vec<Admission>>,
    },
    /// Answer with what is held.
    Status { answer: oneshot::Sender<FetcherStatus<T::PeerId>> },
    /// Answer with what has happened.
    Counters { answer: oneshot::Sender<Counters> },
    /// End.
    Shutdown,
}

/// The bytes that an input carries beyond its fixed size, which the number of calls bounds.
pub(super) fn input_bytes<T: Types>(input: &Input<T>) -> usize {
    match input {
        Input::Pushed { block, .. } | Input::Sealed { block } => block.retained_bytes(),
        Input::Headers { headers, .. } => headers_bytes::<T>(headers),
        Input::Bodies { bodies, .. } => bodies_bytes::<T>(bodies),
        Input::ChainAdvanced { blocks } => list_bytes(blocks),
        Input::PeerConnected { .. }
        | Input::PeerGone { .. }
        | Input::Announced { .. }
        | Input::Progress { .. }
        | Input::RequestFailed { .. }
        | Input::Verdict { .. }
        | Input::Imported { .. }
        | Input::Forget { .. }
        | Input::Tick
        | Input::Shutdown => 0,
    }
}

pub(super) fn headers_bytes<T: Types>(headers: &[T::Header]) -> usize {
    let retained = headers.iter().map(Header::retained_bytes).fold(0, usize::saturating_add);
    retained.saturating_add(size_of_val(headers))
}

pub(super) fn bodies_bytes<T: Types>(bodies: &[T::Body]) -> usize {
    let retained = bodies.iter().map(Body::retained_bytes).fold(0, usize::saturating_add);
    retained.saturating_add(size_of_val(bodies))
}

pub(super) fn list_bytes(blocks: &[(BlockHash, BlockNumber)]) -> usize {
    size_of_val(blocks)
}
