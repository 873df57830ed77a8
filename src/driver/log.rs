//! What the driver says with `tracing`: a span for each input, and an event for each output in it.

use tracing::span::Span;
use tracing::{debug, debug_span, trace};

use crate::input::Input;
use crate::output::{Event, Outcome, Output};
use crate::types::{Header, Types};

/// The span in which an input is handled and its outputs are carried out.
pub(super) fn span<T: Types>(input: &Input<T>) -> Span {
    match input {
        Input::PeerConnected { peer } => debug_span!("peer_connected", ?peer),
        Input::PeerGone { peer } => debug_span!("peer_gone", ?peer),
        Input::Announced { peer, hash, number } => {
            debug_span!("announced", ?peer, block = %hash, number)
        }
        Input::Pushed { peer, block } => {
            debug_span!("pushed", ?peer, block = %block.header.hash(), number = block.header.number())
        }
        Input::Headers { peer, request, headers } => {
            debug_span!("headers", ?peer, request = request.as_u64(), count = headers.len())
        }
        Input::Bodies { peer, request, bodies } => {
            debug_span!("bodies", ?peer, request = request.as_u64(), count = bodies.len())
        }
        Input::Progress { peer, request, bytes } => {
            debug_span!("progress", ?peer, request = request.as_u64(), bytes)
        }
        Input::RequestFailed { peer, request, failure } => {
            debug_span!("request_failed", ?peer, request = request.as_u64(), ?failure)
        }
        Input::Verdict { hash, verdict } => debug_span!("verdict", block = %hash, ?verdict),
        Input::Imported { hash, verdict } => debug_span!("imported", block = %hash, ?verdict),
        Input::ChainAdvanced { blocks } => debug_span!("chain_advanced", count = blocks.len()),
        Input::Sealed { block } => {
            debug_span!("sealed", block = %block.header.hash(), number = block.header.number())
        }
        Input::Forget { hash } => debug_span!("forget", block = %hash),
        Input::Tick => debug_span!("tick"),
        Input::Shutdown => debug_span!("shutdown"),
    }
}

/// What came of an input, where it says anything.
pub(super) fn outcome<T: Types>(outcome: &Outcome<T>) {
    match outcome {
        Outcome::Done => {}
        Outcome::Connection(connection) => debug!(outcome = ?connection, "connection"),
        Outcome::Admission(admission) if admission.is_taken() => {
            debug!(outcome = admission.label(), "admitted");
        }
        Outcome::Admission(admission) => trace!(outcome = admission.label(), "not admitted"),
        Outcome::Headers(rest) => trace!(count = rest.len(), "headers given back"),
        Outcome::Bodies(rest) => trace!(count = rest.len(), "bodies given back"),
    }
}

/// What is about to be carried out.
pub(super) fn output<T: Types>(output: &Output<T>) {
    match output {
        Output::RequestHeader { request, peer, hash } => {
            debug!(?peer, request = request.as_u64(), block = %hash, "asking for a header");
        }
        Output::RequestBodies { request, peer, hashes } => match &**hashes {
            [hash] => debug!(?peer, request = request.as_u64(), block = %hash, "asking for a body"),
            hashes => debug!(?peer, request = request.as_u64(), count = hashes.len(), "asking for bodies"),
        },
        Output::Cancel { request, peer } => debug!(?peer, request = request.as_u64(), "cancelling"),
        Output::VerifyHeader { header } => {
            debug!(block = %header.hash(), number = header.number(), "verifying");
        }
        Output::Import { block } => {
            debug!(block = %block.header.hash(), number = block.header.number(), "importing");
        }
        Output::ImportHeader { header } => {
            debug!(block = %header.hash(), number = header.number(), "importing a header");
        }
        Output::Relay { block, peers } => {
            debug!(block = %block.header.hash(), number = block.header.number(), peers = peers.len(), "relaying");
        }
        Output::Announce { hash, number, peers } => {
            debug!(block = %hash, number, peers = peers.len(), "announcing");
        }
        Output::Penalise { peer, reason, presence } => {
            debug!(?peer, ?presence, reason = reason.label(), weight = reason.weight(), "penalising");
        }
        Output::OutOfReach { hash, number, peer } => {
            debug!(?peer, block = %hash, number, "the parent is out of reach");
        }
        Output::Event(Event::Entered { hash, stage, from }) => {
            trace!(block = %hash, stage = stage.label(), peer = ?from, "stage entered");
        }
        Output::Event(Event::Ended { hash, end }) => trace!(block = %hash, end = end.label(), "ended"),
    }
}
