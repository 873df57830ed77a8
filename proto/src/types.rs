//! How Ethereum's blocks look to the fetcher.

use core::fmt::{self, Debug};
use core::hash::Hash;
use core::marker::PhantomData;

use alloy_primitives::B256;

use crate::body::{Body, BodyCommitment};
use crate::header::Header;

/// Ethereum's blocks, among peers that the host names with `PeerId`. Only a name: there are no
/// values of it.
pub struct EthTypes<PeerId>(PhantomData<fn() -> PeerId>, core::convert::Infallible);

impl<PeerId> Debug for EthTypes<PeerId> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {}
    }
}

impl<PeerId> herald_fetcher::Types for EthTypes<PeerId>
where
    PeerId: Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static,
{
    type PeerId = PeerId;
    type Commitment = BodyCommitment;
    type Header = Header;
    type Body = Body;

    fn empty_body(header: &Header) -> Option<Body> {
        Body::empty_for(&header.body_commitment())
    }
}

impl herald_fetcher::Header for Header {
    type Commitment = BodyCommitment;

    fn hash(&self) -> B256 {
        Header::hash(self)
    }

    fn number(&self) -> u64 {
        self.fields().number
    }

    fn parent_hash(&self) -> B256 {
        self.fields().parent_hash
    }

    fn body_commitment(&self) -> BodyCommitment {
        Header::body_commitment(self)
    }

    fn retained_bytes(&self) -> usize {
        Header::retained_bytes(self)
    }
}

impl herald_fetcher::Body for Body {
    type Commitment = BodyCommitment;

    fn commitment(&self) -> BodyCommitment {
        Body::commitment(self)
    }

    fn retained_bytes(&self) -> usize {
        Body::retained_bytes(self)
    }
}
