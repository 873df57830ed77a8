//! What a handle asks of the task. Both ends of the queue know this, and it knows neither.

use tokio::sync::oneshot;

use crate::fetcher::{Counters, FetcherStatus};
use crate::input::Input;
use crate::output::{Admission, Connection, RequestId};
use crate::types::{BlockHash, BlockNumber, Body, Header, Types};

use super::share::Payer;

pub(super) enum Call<T: Types> {
    /// Hand this in, and say when that is done to whoever waits for it.
    Tell { input: Input<T>, handled: Option<oneshot::Sender<()>> },
    /// Hand this announcement or block in, and answer with what came of it.
    Admit { input: Input<T>, answer: oneshot::Sender<Admission> },
    /// Hand these announcements in, and answer with what came of each.
    AnnounceMany {
        peer: T::PeerId,
        blocks: Vec<(BlockHash, BlockNumber)>,
        answer: oneshot::Sender<Vec<Admission>>,
    },
    /// Hand this peer in, and answer with what came of it.
    Connect { peer: T::PeerId, answer: oneshot::Sender<Connection> },
    /// Hand this reply in, and answer with what is not the fetcher's.
    Headers {
        peer: T::PeerId,
        request: RequestId,
        headers: Vec<T::Header>,
        answer: oneshot::Sender<Vec<T::Header>>,
    },
    /// Hand this reply in, and answer with what is not the fetcher's.
    Bodies {
        peer: T::PeerId,
        request: RequestId,
        bodies: Vec<T::Body>,
        answer: oneshot::Sender<Vec<T::Body>>,
    },
    /// Answer with what is held.
    Status { answer: oneshot::Sender<FetcherStatus<T::PeerId>> },
    /// Answer with what has happened.
    Counters { answer: oneshot::Sender<Counters> },
}

impl<T: Types> Call<T> {
    /// Ends a call that will not be handled. A reply goes back whole, as it would from a fetcher that
    /// has ended; whoever waits for anything else learns that the driver has.
    pub(super) fn give_back(self) {
        match self {
            Self::Headers { headers, answer, .. } => drop(answer.send(headers)),
            Self::Bodies { bodies, answer, .. } => drop(answer.send(bodies)),
            Self::Tell { .. }
            | Self::Admit { .. }
            | Self::AnnounceMany { .. }
            | Self::Connect { .. }
            | Self::Status { .. }
            | Self::Counters { .. } => {}
        }
    }
}

/// On whose account an input is. That a peer comes or goes is the host's to say: no peer must be able
/// to keep it from being said.
pub(super) fn payer<T: Types>(input: &Input<T>) -> Payer<T::PeerId> {
    match input {
        Input::Announced { peer, .. }
        | Input::Pushed { peer, .. }
        | Input::Headers { peer, .. }
        | Input::Bodies { peer, .. }
        | Input::Progress { peer, .. }
        | Input::RequestFailed { peer, .. } => Payer::Peer(peer.clone()),
        Input::PeerConnected { .. }
        | Input::PeerGone { .. }
        | Input::Verdict { .. }
        | Input::Imported { .. }
        | Input::ChainAdvanced { .. }
        | Input::Sealed { .. }
        | Input::Forget { .. }
        | Input::Tick
        | Input::Shutdown => Payer::Host,
    }
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
