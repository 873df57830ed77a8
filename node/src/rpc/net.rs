//! The methods `net_…`.

use alloy_primitives::U64;

use super::RpcContext;
use super::method::{CallResult, Method, json};
use super::params::Arguments;

pub(super) const METHODS: &[Method] = &[Method::memory("net_peerCount", peer_count)];

fn peer_count(arguments: Arguments, context: &RpcContext) -> CallResult {
    arguments.end()?;
    json(U64::from(context.network.peers().len()))
}
