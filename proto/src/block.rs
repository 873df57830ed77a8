//! Whole blocks.

use alloy_primitives::B256;

use crate::body::Body;
use crate::error::DecodeError;
use crate::header::Header;
use crate::rlp::{self, List};

/// A header and a body. That both decode does not say that they belong together:
/// [`Block::body_matches`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The body.
    pub body: Body,
}

impl Block {
    /// Puts the two together.
    #[must_use]
    pub fn new(header: Header, body: Body) -> Self {
        Self { header, body }
    }

    /// Reads `[header, transactions, uncles]`, with a list of withdrawals behind it from Shanghai
    /// on, that fills `bytes` exactly. The bytes are copied; hashes and roots are taken from them.
    ///
    /// # Errors
    /// Anything that is not one canonical encoding of a block; the error names the field.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut list = List::decode(bytes)?;
        let header = list.item("header")?;
        let header = Header::decode(header.raw()).map_err(|error| error.within("header"))?;
        Ok(Self { header, body: Body::decode_lists(list)? })
    }

    /// The block's identity, its header's hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.header.hash()
    }

    /// Height above genesis.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Whether the body is the one that the header commits to. A comparison: nothing is hashed.
    #[must_use]
    pub fn body_matches(&self) -> bool {
        self.header.body_commitment() == self.body.commitment()
    }

    /// The encoding: the bytes that arrived.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.encoded_len());
        self.encode_into(&mut out);
        out
    }

    /// Appends the encoding to `out`.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        rlp::append_list_header(out, self.payload_len());
        out.extend_from_slice(self.header.raw());
        out.extend_from_slice(self.body.raw_lists());
    }

    /// Bytes of the encoding.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        rlp::list_header_len(self.payload_len()) + self.payload_len()
    }

    /// Bytes of heap that this block keeps in use.
    #[must_use]
    pub fn retained_bytes(&self) -> usize {
        self.header.retained_bytes() + self.body.retained_bytes()
    }

    fn payload_len(&self) -> usize {
        self.header.raw().len() + self.body.raw_lists().len()
    }
}
