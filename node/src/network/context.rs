//! What the tasks of a network share.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::config::{NetworkLimits, NetworkTimes};
use super::events::EventSender;
use super::peer::PeerTable;
use super::serve::Serve;

/// One for each network. Handles do not hold it, so that the event queue ends with the tasks.
pub(super) struct Context {
    pub(super) limits: NetworkLimits,
    pub(super) times: NetworkTimes,
    pub(super) host: Arc<dyn Serve>,
    pub(super) events: EventSender,
    pub(super) peers: Arc<PeerTable>,
    /// Work on blocking threads, waited for at the end.
    pub(super) blocking: TaskTracker,
}
