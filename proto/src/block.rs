//! Whole blocks.

use crate::body::Body;
use crate::error::DecodeError;
use crate::header::Header;
use crate::rlp::{self, List};

/// An Ethereum block: the fetcher's own [`Block`](herald_fetcher::Block), so that what was decoded
/// is handed to a fetcher, and what a fetcher hands out is encoded, as it is.
///
/// [`BlockExt`] has what only an Ethereum block can do.
pub type Block = herald_fetcher::Block<Header, Body>;

/// What an Ethereum block has beyond any other [`Block`](herald_fetcher::Block): its encoding.
///
/// Implemented for [`Block`] alone, which is an alias and so can have no methods of its own here.
pub trait BlockExt: sealed::Sealed + Sized {
    /// Reads `[header, transactions, uncles]`, with a list of withdrawals behind it from Shanghai
    /// on, that fills `bytes` exactly. The bytes are copied; hashes and roots are taken from them.
    ///
    /// # Errors
    /// Anything that is not one canonical encoding of a block; the error names the field.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError>;

    /// The encoding: the bytes that arrived.
    #[must_use]
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode_into(&mut out);
        out
    }

    /// Appends the encoding to `out`.
    fn encode_into(&self, out: &mut Vec<u8>);

    /// Bytes of the encoding.
    #[must_use]
    fn encoded_len(&self) -> usize;

    /// The same block in alloy's types.
    ///
    /// # Errors
    /// A header or a transaction that those cannot hold.
    #[cfg(feature = "alloy")]
    fn to_alloy<T: alloy_eips::Decodable2718>(
        &self,
    ) -> Result<alloy_consensus::Block<T>, crate::ToAlloyError>;

    /// A block of alloy's, encoded.
    ///
    /// # Errors
    /// A header that has no encoding, or a transaction with none that is accepted here.
    #[cfg(feature = "alloy")]
    fn from_alloy<T: alloy_eips::Encodable2718>(
        block: &alloy_consensus::Block<T>,
    ) -> Result<Self, crate::FromAlloyError>;
}

impl BlockExt for Block {
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut list = List::decode(bytes)?;
        let header = list.item("header")?;
        let header = Header::decode(header.raw()).map_err(|error| error.within("header"))?;
        Ok(Self { header, body: Body::decode_lists(list)? })
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        rlp::append_list_header(out, payload_len(self));
        out.extend_from_slice(self.header.raw());
        out.extend_from_slice(self.body.raw_lists());
    }

    fn encoded_len(&self) -> usize {
        rlp::list_header_len(payload_len(self)) + payload_len(self)
    }

    #[cfg(feature = "alloy")]
    fn to_alloy<T: alloy_eips::Decodable2718>(
        &self,
    ) -> Result<alloy_consensus::Block<T>, crate::ToAlloyError> {
        let header = alloy_consensus::Header::try_from(&self.header)?;
        Ok(alloy_consensus::Block { header, body: (&self.body).try_into()? })
    }

    #[cfg(feature = "alloy")]
    fn from_alloy<T: alloy_eips::Encodable2718>(
        block: &alloy_consensus::Block<T>,
    ) -> Result<Self, crate::FromAlloyError> {
        Ok(Self { header: Header::try_from(&block.header)?, body: Body::try_from(&block.body)? })
    }
}

fn payload_len(block: &Block) -> usize {
    block.header.raw().len() + block.body.raw_lists().len()
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::Block {}
}
