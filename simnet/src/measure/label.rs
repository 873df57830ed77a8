//! The names of policies and adversaries in tables and files: those of the scenario file.

use serde::Serializer;

use crate::scenario::{AdversaryKind, Policy};

impl Policy {
    /// All of them, in the order in which tables show them.
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

    /// The policy of that name.
    pub fn named(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.label() == label)
    }
}

impl AdversaryKind {
    /// All of them.
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

/// What a node is, in tables: its kind, or that it is honest.
pub fn standing(hostile: Option<AdversaryKind>) -> &'static str {
    hostile.map_or("honest", AdversaryKind::label)
}

/// For serde.
pub(crate) fn policy<S: Serializer>(policy: &Policy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(policy.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_are_the_same_and_each_leads_back() {
        for policy in Policy::ALL {
            assert_eq!(Policy::named(policy.label()), Some(policy));
        }
        assert_eq!(Policy::named("geth"), None);
        let mut kinds = AdversaryKind::ALL.map(AdversaryKind::label).to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), AdversaryKind::ALL.len());
    }
}
