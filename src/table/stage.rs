//! The stages of an entry, each with just its own data.

use alloy_primitives::B256;
use smallvec::SmallVec;

use crate::Time;
use crate::output::{RequestId, StageName};
use crate::types::{BlockNumber, Header, Types};

use super::{Asked, PeerSlot, Round};

/// Where an entry stands. Each waiting state says which event ends it.
pub(crate) enum Stage<T: Types> {
    /// Hash and number known.
    Announced(Wait),
    /// The header is asked for. Ended by a reply, a failure, or the request's deadline.
    Fetching { round: Round, early: Early<T> },
    /// The header is here. Ended by the alarm of the gathering, or when the peer is no longer busy.
    Fetched { header: Held<T::Header>, wait: Wait },
    /// The body is asked for. Ended by a reply, a failure, or the request's deadline.
    Completing { header: Held<T::Header>, round: Round },
    /// Whole, and waiting.
    Queued { block: Held<Whole<T>>, wait: QueueWait },
    /// With the host, and ended by the host alone, unless it waits to be asked again.
    Importing { block: Held<Whole<T>>, step: Step },
}

/// What an entry waits for before it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The alarm at this time: the end of the grace, or of the gathering.
    Until(Time),
    /// All who may be asked have as many requests in flight as they may. Ended when one of those ends,
    /// or when somebody else may be asked, and begins this round then.
    Capacity { round: u8 },
    /// The window. Ended by the chain's advance; charged to the peer's deferred blocks.
    Window { peer: PeerSlot, number: BlockNumber },
}

/// What a whole block waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueWait {
    /// Its parent, which is followed. Ended when that is in the chain, is found invalid, or ends
    /// otherwise; in the last case the block is an orphan.
    Parent { searches: u8 },
    /// Its parent, which is not followed. Ended when somebody who may be asked for that comes, or when
    /// it comes itself; the alarm searches anew.
    Orphan { searches: u8, until: Time, cause: Orphaned },
    /// The window. Ended by the chain's advance; charged to the provider's deferred blocks.
    Window,
    /// Its time, by our clock. Ended by the alarm.
    Time(Time),
    /// Its turn with the host. Ended when the host has fewer than it may.
    Turn,
}

/// Why the parent of a block that waits for it is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orphaned {
    /// It was, and ended without coming into the chain, by a fault of ours or of all who were asked.
    Lost,
    /// All who have the block have used up their announcements. Ended when one of them ends, too.
    NoAllowance,
    /// It lies outside the window or below the finalized block: the host has been told.
    OutOfReach,
}

/// What the host is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Verifying the header. Since the time, which is not counted against the entry.
    Verifying(Time),
    /// Importing. Since the time, which is not counted against the entry either.
    Importing(Time),
    /// Nothing until this time: it was not ready to import. Ended by the alarm.
    Waiting(Time),
}

impl Step {
    /// Whether the host has been asked, and owes an answer.
    pub(crate) fn is_with_host(self) -> bool {
        match self {
            Self::Verifying(_) | Self::Importing(_) => true,
            Self::Waiting(_) => false,
        }
    }
}

/// A value held for a peer that is charged for its bytes.
#[derive(Debug)]
pub(crate) struct Held<V> {
    pub(crate) value: V,
    /// Who is charged.
    pub(crate) peer: PeerSlot,
    /// How much.
    pub(crate) bytes: u64,
    /// Who is to blame if it proves bad.
    pub(crate) blame: Blame,
}

/// Whether the peer that is charged for a value is also its provider: the one that delivered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// It is, and it had announced the block: it has imported it, or claims so.
    Provider,
    /// It pushed the block unasked. Honest peers do so once the header is verified, before they
    /// import: they answer for the header, not for what an import finds.
    Relayer,
    /// The provider is gone; another who has the block took the charge over.
    Nobody,
}

/// A whole block: with its body, or only the header where no bodies are fetched.
pub(crate) struct Whole<T: Types> {
    pub(crate) header: T::Header,
    pub(crate) body: Option<T::Body>,
}

impl<T: Types> Whole<T> {
    pub(crate) fn number(&self) -> BlockNumber {
        self.header.number()
    }
}

/// A body asked for before its header is here.
pub(crate) enum Early<T: Types> {
    /// None.
    None,
    /// Asked for.
    Asked(RequestId),
    /// Here, and held until the header tells whether it matches.
    Here(Held<T::Body>),
}

impl<T: Types> Stage<T> {
    pub(crate) fn name(&self) -> StageName {
        match self {
            Self::Announced(_) => StageName::Announced,
            Self::Fetching { .. } => StageName::Fetching,
            Self::Fetched { .. } => StageName::Fetched,
            Self::Completing { .. } => StageName::Completing,
            Self::Queued { .. } => StageName::Queued,
            Self::Importing { .. } => StageName::Importing,
        }
    }

    /// Whether no index but the count of its stage knows of this entry. Most are so most of the time:
    /// announced, or waiting for a header.
    pub(crate) fn is_unindexed(&self) -> bool {
        match self {
            Self::Announced(Wait::Until(_)) => true,
            Self::Fetching { round, early: Early::None | Early::Asked(_) } => round.wanted == 0,
            Self::Announced(Wait::Capacity { .. } | Wait::Window { .. })
            | Self::Fetching { early: Early::Here(_), .. }
            | Self::Fetched { .. }
            | Self::Completing { .. }
            | Self::Queued { .. }
            | Self::Importing { .. } => false,
        }
    }

    /// The header, where it is here.
    pub(crate) fn header(&self) -> Option<&T::Header> {
        match self {
            Self::Announced(_) | Self::Fetching { .. } => None,
            Self::Fetched { header, .. } | Self::Completing { header, .. } => Some(&header.value),
            Self::Queued { block, .. } | Self::Importing { block, .. } => Some(&block.value.header),
        }
    }

    /// The requests in flight for this entry.
    pub(crate) fn requests(&self) -> SmallVec<[RequestId; 3]> {
        match self {
            Self::Announced(_) | Self::Fetched { .. } | Self::Queued { .. } | Self::Importing { .. } => {
                SmallVec::new()
            }
            Self::Fetching { round, early } => round.iter().chain(early.request()).collect(),
            Self::Completing { round, .. } => round.iter().collect(),
        }
    }

    /// What is held: who is charged with how many bytes, and whether for a whole block.
    pub(crate) fn charge(&self) -> Option<Charge> {
        match self {
            Self::Announced(_) => None,
            Self::Fetching { early, .. } => match early {
                Early::None | Early::Asked(_) => None,
                Early::Here(body) => Some(Charge { peer: body.peer, bytes: body.bytes, what: Charged::Part }),
            },
            Self::Fetched { header, .. } | Self::Completing { header, .. } => {
                Some(Charge { peer: header.peer, bytes: header.bytes, what: Charged::Part })
            }
            Self::Queued { block, .. } | Self::Importing { block, .. } => {
                Some(Charge { peer: block.peer, bytes: block.bytes, what: Charged::Block })
            }
        }
    }

    /// Moves the charge to another peer, whose fault it is then not. A body without its header stays
    /// with its provider: it may be anything.
    pub(crate) fn recharge(&mut self, to: PeerSlot) {
        match self {
            Self::Announced(_) | Self::Fetching { .. } => {}
            Self::Fetched { header, .. } | Self::Completing { header, .. } => {
                (header.peer, header.blame) = (to, Blame::Nobody);
            }
            Self::Queued { block, .. } | Self::Importing { block, .. } => {
                (block.peer, block.blame) = (to, Blame::Nobody);
            }
        }
    }

    /// The parent that this entry waits for.
    pub(crate) fn awaited_parent(&self) -> Option<B256> {
        match self {
            Self::Queued { block, wait: QueueWait::Parent { .. } | QueueWait::Orphan { .. } } => {
                Some(block.value.header.parent_hash())
            }
            Self::Queued { wait: QueueWait::Window | QueueWait::Time(_) | QueueWait::Turn, .. }
            | Self::Announced(_)
            | Self::Fetching { .. }
            | Self::Fetched { .. }
            | Self::Completing { .. }
            | Self::Importing { .. } => None,
        }
    }

    /// The body that this entry waits for.
    pub(crate) fn awaited_body(&self) -> Option<T::Commitment> {
        match self {
            Self::Fetched { header, .. } | Self::Completing { header, .. } => {
                Some(header.value.body_commitment())
            }
            Self::Announced(_) | Self::Fetching { .. } | Self::Queued { .. } | Self::Importing { .. } => None,
        }
    }

    /// The number by which the chain's advance finds this entry.
    pub(crate) fn watched_number(&self) -> Option<BlockNumber> {
        match self {
            Self::Announced(Wait::Window { number, .. }) => Some(*number),
            Self::Queued { block, .. } => Some(block.value.number()),
            Self::Announced(Wait::Until(_) | Wait::Capacity { .. })
            | Self::Fetching { .. }
            | Self::Fetched { .. }
            | Self::Completing { .. }
            | Self::Importing { .. } => None,
        }
    }

    /// The peer whose allowance of deferred blocks this entry uses.
    pub(crate) fn deferred_by(&self) -> Option<PeerSlot> {
        match self {
            Self::Announced(Wait::Window { peer, .. }) => Some(*peer),
            Self::Queued { block, wait: QueueWait::Window } => Some(block.peer),
            Self::Queued {
                wait:
                    QueueWait::Parent { .. } | QueueWait::Orphan { .. } | QueueWait::Time(_) | QueueWait::Turn,
                ..
            }
            | Self::Announced(Wait::Until(_) | Wait::Capacity { .. })
            | Self::Fetching { .. }
            | Self::Fetched { .. }
            | Self::Completing { .. }
            | Self::Importing { .. } => None,
        }
    }

    /// How often the parent that this entry waits for was lost or out of reach.
    pub(crate) fn searches(&self) -> Option<u8> {
        match self {
            Self::Queued {
                wait: QueueWait::Parent { searches } | QueueWait::Orphan { searches, .. },
                ..
            } => Some(*searches),
            Self::Queued { wait: QueueWait::Window | QueueWait::Time(_) | QueueWait::Turn, .. }
            | Self::Announced(_)
            | Self::Fetching { .. }
            | Self::Fetched { .. }
            | Self::Completing { .. }
            | Self::Importing { .. } => None,
        }
    }

    /// Why the parent that this entry waits for is not followed, where it is not.
    pub(crate) fn orphaned(&self) -> Option<Orphaned> {
        match self {
            Self::Queued { wait: QueueWait::Orphan { cause, .. }, .. } => Some(*cause),
            Self::Queued {
                wait: QueueWait::Parent { .. } | QueueWait::Window | QueueWait::Time(_) | QueueWait::Turn,
                ..
            }
            | Self::Announced(_)
            | Self::Fetching { .. }
            | Self::Fetched { .. }
            | Self::Completing { .. }
            | Self::Importing { .. } => None,
        }
    }

    /// Whether one request more would be sent for this entry if there was somebody to send it to.
    pub(crate) fn wants_request(&self) -> bool {
        match self {
            Self::Announced(Wait::Capacity { .. }) | Self::Fetched { wait: Wait::Capacity { .. }, .. } => {
                true
            }
            Self::Fetching { round, .. } | Self::Completing { round, .. } => round.wanted > 0,
            Self::Announced(Wait::Until(_) | Wait::Window { .. })
            | Self::Fetched { wait: Wait::Until(_) | Wait::Window { .. }, .. }
            | Self::Queued { .. }
            | Self::Importing { .. } => false,
        }
    }

    /// What is asked for next, while something is asked for.
    pub(crate) fn asks_for(&self) -> Option<Asked> {
        match self {
            Self::Announced(_) | Self::Fetching { .. } => Some(Asked::Header),
            Self::Fetched { .. } | Self::Completing { .. } => Some(Asked::Bodies),
            Self::Queued { .. } | Self::Importing { .. } => None,
        }
    }
}

impl<T: Types> Early<T> {
    pub(crate) fn request(&self) -> Option<RequestId> {
        match self {
            Self::Asked(request) => Some(*request),
            Self::None | Self::Here(_) => None,
        }
    }
}

/// Bytes charged to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) peer: PeerSlot,
    pub(crate) bytes: u64,
    pub(crate) what: Charged,
}

/// What bytes are charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charged {
    /// A header, or a body without one.
    Part,
    /// A whole block, which counts against the peer's blocks.
    Block,
}
