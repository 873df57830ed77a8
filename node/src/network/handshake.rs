//! The two Statuses: how far their exchange has come, and whether the peer's fits ours.

use std::time::Duration;

use herald_proto::message::ETH_VERSION;
use herald_proto::{ForkId, Status};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::announce::AfterStatus;
use super::reason::{DisconnectReason, StatusMismatch};
use super::serve::{ForkFit, Serve};

/// The exchange of Statuses with one peer. A peer whose announce stream is lost states its own
/// again.
pub(super) struct Handshake {
    /// How long the peer has, from connecting or from the end of its announce stream.
    limit: Duration,
    /// By when a Status must be here; none while an accepted announce stream stands.
    due: Option<Instant>,
    phase: HandshakePhase,
    has_sent: bool,
    has_read: bool,
    /// Accepted, but not answered while ours is not sent.
    theirs: Option<ReadStatus>,
}

/// How far the two have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakePhase {
    /// Statuses are on their way; ends by both, or by the deadline.
    Greeting,
    /// Both were accepted.
    Ready,
}

/// A Status that fits, whose reader waits for the answer.
pub(super) struct ReadStatus {
    pub(super) status: Box<Status>,
    pub(super) answer: oneshot::Sender<AfterStatus>,
}

impl Handshake {
    pub(super) fn new(limit: Duration, now: Instant) -> Self {
        Self {
            limit,
            due: Some(now + limit),
            phase: HandshakePhase::Greeting,
            has_sent: false,
            has_read: false,
            theirs: None,
        }
    }

    pub(super) fn phase(&self) -> HandshakePhase {
        self.phase
    }

    /// When the session ends for [`late`](Self::late), if nothing else happens.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Why it ends then.
    pub(super) fn late(&self) -> DisconnectReason {
        if self.theirs.is_some() {
            // The peer has said who it is; we could not.
            DisconnectReason::AnnounceStreamFailed
        } else {
            DisconnectReason::NoStatus
        }
    }

    /// Whether our Status is on its way.
    pub(super) fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Whether the peer has ever sent one that fits.
    pub(super) fn has_read(&self) -> bool {
        self.has_read
    }

    /// The peer opened an announce stream: a Status comes on it.
    pub(super) fn stream_opened(&mut self, now: Instant) {
        self.theirs = None;
        self.due.get_or_insert(now + self.limit);
    }

    /// The peer's announce stream ended. It may open another one, soon.
    pub(super) fn stream_ended(&mut self, now: Instant) {
        self.due.get_or_insert(now + self.limit);
    }

    pub(super) fn sent(&mut self) {
        self.has_sent = true;
    }

    pub(super) fn read(&mut self, theirs: ReadStatus) {
        self.has_read = true;
        self.theirs = Some(theirs);
    }

    /// Once ours is sent and theirs accepted, the peer is ready: gives its Status, once.
    pub(super) fn complete(&mut self) -> Option<ReadStatus> {
        if !self.has_sent {
            return None;
        }
        let theirs = self.theirs.take()?;
        self.due = None;
        self.phase = HandshakePhase::Ready;
        Some(theirs)
    }
}

/// Compares a peer's Status with ours as of now.
///
/// A node that knows no fork schedule says so with [`ForkId::NONE`]; towards it, and by it, only
/// network and genesis are compared.
pub(super) fn check(host: &dyn Serve, theirs: &Status) -> Result<(), StatusMismatch> {
    let ours = host.status();
    if theirs.version != ETH_VERSION {
        return Err(StatusMismatch::Version { ours: ETH_VERSION, theirs: theirs.version });
    }
    if theirs.network_id != ours.network_id {
        let (ours, theirs) = (ours.network_id, theirs.network_id);
        return Err(StatusMismatch::NetworkId { ours, theirs });
    }
    if theirs.genesis != ours.genesis {
        let (ours, theirs) = (ours.genesis, theirs.genesis);
        return Err(StatusMismatch::Genesis { ours, theirs });
    }
    if ours.fork_id == ForkId::NONE || theirs.fork_id == ForkId::NONE {
        return Ok(());
    }
    match host.check_fork_id(&theirs.fork_id) {
        ForkFit::Fits => Ok(()),
        ForkFit::Differs => {
            let (ours, theirs) = (ours.fork_id, theirs.fork_id);
            Err(StatusMismatch::ForkId { ours, theirs })
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, U256};
    use herald_proto::HeadersRequest;
    use herald_proto::message::Reply;

    use super::*;

    const OURS: ForkId = ForkId { hash: [1; 4], next: 0 };
    const OTHER: ForkId = ForkId { hash: [2; 4], next: 0 };

    /// Knows its own fork id and no other.
    struct OneFork(ForkId);

    impl Serve for OneFork {
        fn status(&self) -> Status {
            status(self.0)
        }

        fn check_fork_id(&self, theirs: &ForkId) -> ForkFit {
            if *theirs == self.0 { ForkFit::Fits } else { ForkFit::Differs }
        }

        fn headers(&self, _: &HeadersRequest, _: &mut Reply) {}

        fn bodies(&self, _: &[B256], _: &mut Reply) {}
    }

    fn status(fork_id: ForkId) -> Status {
        Status {
            version: ETH_VERSION,
            network_id: 1337,
            total_difficulty: U256::from(1),
            head: B256::ZERO,
            genesis: B256::repeat_byte(1),
            fork_id,
        }
    }

    #[test]
    fn each_difference_has_its_name() {
        let host = OneFork(OURS);
        assert_eq!(check(&host, &status(OURS)), Ok(()));
        let version = StatusMismatch::Version { ours: 68, theirs: 67 };
        assert_eq!(check(&host, &Status { version: 67, ..status(OURS) }), Err(version));
        let network = StatusMismatch::NetworkId { ours: 1337, theirs: 1 };
        assert_eq!(check(&host, &Status { network_id: 1, ..status(OURS) }), Err(network));
        let (ours, theirs) = (B256::repeat_byte(1), B256::ZERO);
        let genesis = StatusMismatch::Genesis { ours, theirs };
        assert_eq!(check(&host, &Status { genesis: theirs, ..status(OURS) }), Err(genesis));
        let forks = StatusMismatch::ForkId { ours: OURS, theirs: OTHER };
        assert_eq!(check(&host, &status(OTHER)), Err(forks));
    }

    #[test]
    fn without_a_fork_id_on_either_side_none_is_compared() {
        assert_eq!(check(&OneFork(OURS), &status(ForkId::NONE)), Ok(()));
        assert_eq!(check(&OneFork(ForkId::NONE), &status(OTHER)), Ok(()));
    }
}
