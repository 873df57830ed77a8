//! Hostile nodes: the library of adversaries, and how many of them a scenario has.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::defaults;
use super::units::Span;

/// Hostile nodes of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adversaries {
    /// What they do.
    pub kind: AdversaryKind,
    /// Their share of the nodes, at least one node where it is not 0; sealers are honest unless the
    /// kind seals itself. Default 0.2. Not used by [`AdversaryKind::Eclipse`], which takes all peers
    /// of its victim but one.
    #[serde(default = "defaults::share")]
    pub share: f64,
    /// How often, for kinds that act by themselves. Default 1 s.
    #[serde(default = "defaults::every")]
    pub every: Span,
    /// For kinds that wait before they answer. Default 450 ms: just inside the shortest deadline.
    #[serde(default = "defaults::delay")]
    pub delay: Span,
}

/// What hostile nodes do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum AdversaryKind {
    /// Announces, and never gives the header.
    WithholdHeader,
    /// Announces, gives the header, and never the body.
    WithholdBody,
    /// Answers just before the deadline.
    AnswerLate,
    /// Answers with another block's header.
    OtherHeader,
    /// Answers with another block's body.
    OtherBody,
    /// Announces with a wrong number.
    WrongNumber,
    /// Announces hashes that do not exist.
    Phantoms,
    /// Announces blocks far above the head.
    FarAway,
    /// Answers with what is no reply.
    Junk,
    /// Answers with more than was asked for.
    Oversized,
    /// Answers that it has nothing, but for the bodies of every second block, where it gives another's.
    Empty,
    /// Seals two blocks for one slot, one for each half of its peers.
    Equivocate,
    /// Surrounds one node, and tells it nothing true.
    Eclipse,
    /// Seals a heavier branch in secret and releases it late.
    SecretBranch,
    /// Pushes and announces old blocks again and again.
    Replay,
    /// Seals blocks whose header, or whose body, breaks a rule.
    InvalidBlocks,
}

impl AdversaryKind {
    /// All kinds, in the order of the manual.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in scenarios, files and on the command line.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// Whether it misbehaves by sealing, so that it has its share of the slots.
    pub const fn seals(self) -> bool {
        match self {
            Self::Equivocate | Self::SecretBranch | Self::InvalidBlocks => true,
            Self::WithholdHeader
            | Self::WithholdBody
            | Self::AnswerLate
            | Self::OtherHeader
            | Self::OtherBody
            | Self::WrongNumber
            | Self::Phantoms
            | Self::FarAway
            | Self::Junk
            | Self::Oversized
            | Self::Empty
            | Self::Eclipse
            | Self::Replay => false,
        }
    }
}
