//! What policies and adversaries are called, in files and reports alike.

use super::{AdversaryKind, Policy};

impl Policy {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Herald, Self::GethTimers, Self::GethModel, Self::AnnounceOnly, Self::PushToAll];

    /// Its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Herald => "herald",
            Self::GethTimers => "geth-timers",
            Self::GethModel => "geth-model",
            Self::AnnounceOnly => "announce-only",
            Self::PushToAll => "push-to-all",
        }
    }
}

impl AdversaryKind {
    /// All of them, in order.
    pub const ALL: [Self; 16] = [
        Self::WithholdHeader,
        Self::WithholdBody,
        Self::AnswerLate,
        Self::OtherHeader,
        Self::OtherBody,
        Self::WrongNumber,
        Self::Phantoms,
        Self::FarAway,
        Self::Junk,
        Self::Oversized,
        Self::Empty,
        Self::Equivocate,
        Self::Eclipse,
        Self::SecretBranch,
        Self::Replay,
        Self::InvalidBlocks,
    ];

    /// Whether it does its wrong by sealing, so that it has its share of the slots.
    pub const fn seals(self) -> bool {
        matches!(self, Self::Equivocate | Self::SecretBranch | Self::InvalidBlocks)
    }

    /// Its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::WithholdHeader => "withhold-header",
            Self::WithholdBody => "withhold-body",
            Self::AnswerLate => "answer-late",
            Self::OtherHeader => "other-header",
            Self::OtherBody => "other-body",
            Self::WrongNumber => "wrong-number",
            Self::Phantoms => "phantoms",
            Self::FarAway => "far-away",
            Self::Junk => "junk",
            Self::Oversized => "oversized",
            Self::Empty => "empty",
            Self::Equivocate => "equivocate",
            Self::Eclipse => "eclipse",
            Self::SecretBranch => "secret-branch",
            Self::Replay => "replay",
            Self::InvalidBlocks => "invalid-blocks",
        }
    }
}
